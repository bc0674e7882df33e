"""Multi-agent inference by rlreactor: a reactor for every agent and one for the world; a joint step is one tag."""

from __future__ import annotations

import statistics
import time

import numpy as np

from bench.contestants.inference import WORLDS, Policy, figures, parsed
from bench.contestants.slices import serve
from bench.contestants.times import per_second
from rlreactor import TICK, Array, Input, Inputs, Output, Reactor, Timer, broadcast, reaction, run, startup, state

OBSERVATIONS = Array(np.float32, ("agents", "features"))


class Surroundings(Reactor):
    """Shows the world to all agents every tick, and takes what they do."""

    agents: int
    features: int
    kind: str
    tick = Timer(0, TICK)
    seen = Output(OBSERVATIONS)
    actions = Inputs(int, width="agents")
    ends: list[float] = state(factory=list[float])

    @reaction(startup)
    def begin(self) -> None:
        self.world = WORLDS[self.kind](self.agents)

    @reaction(tick, effects=[seen])
    def show(self) -> None:
        out = self.seen.empty()
        out[...] = self.world.observations
        self.seen.set(out)

    @reaction(actions)
    def step(self) -> None:
        self.world.step([channel.value for channel in self.actions])
        self.ends.append(time.perf_counter())


class Agent(Reactor):
    """Answers with what its policy chooses."""

    agents: int
    features: int
    index: int
    seen = Input(OBSERVATIONS)
    action = Output(int)

    @reaction(startup)
    def begin(self) -> None:
        self.policy = Policy(self.index, self.features)

    @reaction(seen, effects=[action])
    def act(self) -> None:
        self.action.set(self.policy.act(self.seen.value[self.index]))


class JointInference(Reactor):
    """A world and its agents."""

    agents: int
    kind: str = "synthetic"

    def compose(self) -> None:
        agents, features = self.agents, WORLDS[self.kind].features(self.agents)
        self.surroundings = Surroundings(agents=agents, features=features, kind=self.kind)
        self.bank = [Agent(agents=agents, features=features, index=index) for index in range(agents)]
        self.connect(broadcast(self.surroundings.seen), [agent.seen for agent in self.bank])
        self.connect([agent.action for agent in self.bank], self.surroundings.actions)


def measure(topology: JointInference, steps: int, workers: int | None = None) -> dict[str, float]:
    """Microseconds of a joint step, and what share of its time a worker waits for others."""
    result = run(topology, workers=workers, timeout=(steps + steps // 10) * TICK)
    waited = [worker["seconds_waited"] / worker["seconds"] for worker in result.workers]
    ends: list[float] = result.state("surroundings")["ends"]
    return {**figures(per_second(ends, steps)), "waited": statistics.mean(waited)}


def main() -> None:
    options = parsed(__doc__)
    topology = JointInference(agents=options.agents, kind=options.world)
    forms = {
        "rlreactor": lambda: measure(topology, options.steps),
        "rlreactor, one worker": lambda: measure(topology, options.steps, workers=1),
    }
    serve(forms)


if __name__ == "__main__":
    main()
