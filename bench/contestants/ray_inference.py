"""Multi-agent inference by Ray actors, one an agent, the world in the driver; runs in bench/.venv-ray.

Calls of every actor and `ray.get` of all of them, and the same as a Compiled Graph; observations are small, so they
are arguments, as Ray's documentation advises.
"""

from __future__ import annotations

from typing import Any

from bench.contestants.inference import WORLDS, Policy, figures, parsed
from bench.contestants.ray_cluster import Forms, cluster, compiled, rate
from bench.contestants.slices import serve


def forms(ray: Any, agents: int, steps: int, name: str) -> Forms:
    """Both; the actors of a Compiled Graph take no other calls, so it is compiled anew for every slice."""
    kind = WORLDS[name]
    actors = [ray.remote(Policy).remote(agent, kind.features(agents)) for agent in range(agents)]

    def calls() -> dict[str, float]:
        world = kind(agents)

        def step(_: int) -> None:
            seen = world.observations
            world.step(ray.get([actor.act.remote(seen[agent]) for agent, actor in enumerate(actors)]))

        return figures(rate(step, steps))

    def graph() -> dict[str, float]:
        world = kind(agents)
        with compiled(lambda seen: [actor.act.bind(seen[agent]) for agent, actor in enumerate(actors)]) as made:
            return figures(rate(lambda _: world.step(ray.get(made.execute(*world.observations))), steps))

    return {"Ray": calls, "Ray Compiled Graph": graph}


def main() -> None:
    options = parsed(__doc__)
    with cluster(options.agents) as ray:
        serve(forms(ray, options.agents, options.steps, options.world), warm=True)


if __name__ == "__main__":
    main()
