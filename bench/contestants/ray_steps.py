"""Lock-step by Ray actors, an environment each, actions at random; runs in bench/.venv-ray.

lock-step: a call of every actor, and `ray.get` of all of them, every step. Compiled Graph: the same as a graph of
actors, as Ray's documentation has it for patterns that repeat. k steps a call: what Ray's documentation advises against
small tasks (its anti-pattern "too fine-grained tasks"): every call makes k steps and returns all observations.
"""

from __future__ import annotations

import argparse
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bench.contestants.bare_steps import make
from bench.contestants.ray_cluster import Forms, cluster, compiled, rate
from bench.contestants.slices import serve

Step = tuple[NDArray[Any], float, bool]
DRAWN = 256  # rounds, whose actions are drawn beforehand


class Stepper:
    """One environment, which begins anew when an episode ends."""

    def __init__(self, name: str, seed: int) -> None:
        self.environment = make(name)
        self.environment.reset(seed=seed)

    def step(self, action: Any) -> Step:
        observation, reward, terminated, truncated, _ = self.environment.step(action)
        if terminated or truncated:
            observation, _ = self.environment.reset()
        return observation, float(reward), terminated or truncated

    def steps(self, actions: Any) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[np.bool_]]:
        space = cast("Any", self.environment.observation_space)
        observations = np.empty((len(actions), *space.shape), space.dtype)
        rewards, ended = np.empty(len(actions), np.float32), np.empty(len(actions), np.bool_)
        for row, action in enumerate(actions):
            observations[row], rewards[row], ended[row] = self.step(action)
        return observations, rewards, ended


def forms(ray: Any, options: argparse.Namespace) -> Forms:
    """All three; the actors of a Compiled Graph take no other calls, so it is compiled anew for every slice."""
    count, k = options.environments, options.steps_a_call
    steppers = [ray.remote(Stepper).remote(options.env, seed) for seed in range(count)]
    drawn = actions(options.env, (DRAWN, count))
    fragments = np.swapaxes(actions(options.env, (DRAWN // 8, k, count)), 1, 2)

    def lock_step(number: int) -> None:
        given = drawn[number % DRAWN]
        ray.get([stepper.step.remote(given[row]) for row, stepper in enumerate(steppers)])

    def k_steps(number: int) -> None:
        given = fragments[number % len(fragments)]
        ray.get([stepper.steps.remote(given[row]) for row, stepper in enumerate(steppers)])

    def graph() -> dict[str, float]:
        with compiled(lambda row: [one.step.bind(row[i]) for i, one in enumerate(steppers)]) as made:
            return steps(rate(lambda number: ray.get(made.execute(*drawn[number % DRAWN])), options.rounds))

    def steps(rounds: float, of_each: int = 1) -> dict[str, float]:
        return {"steps_per_second": rounds * count * of_each}

    return {
        "Ray": lambda: steps(rate(lock_step, options.rounds)),
        "Ray, k steps a call": lambda: steps(rate(k_steps, max(5, options.rounds // 10)), k),
        "Ray Compiled Graph": graph,
    }


def actions(name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Uniformly at random, as the environment takes them."""
    space = cast("Any", make(name).action_space)
    rng = np.random.default_rng(0)
    if hasattr(space, "n"):
        return rng.integers(space.n, size=shape)
    return rng.uniform(space.low, space.high, (*shape, *space.shape)).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", required=True)
    parser.add_argument("--environments", type=int, default=15)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--steps-a-call", type=int, required=True)
    options = parser.parse_args()
    with cluster(options.environments) as ray:
        serve(forms(ray, options), warm=True)


if __name__ == "__main__":
    main()
