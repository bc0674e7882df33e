"""Multi-agent inference by rlreactor: a reactor for every agent and one for the world; a joint step is one tag."""

from __future__ import annotations

import json
import statistics
import time

import numpy as np

from bench.contestants.inference import FEATURES, Policy, World, figures, parsed
from bench.contestants.times import per_second
from rlreactor import TICK, Array, Input, Inputs, Output, Reactor, Timer, broadcast, reaction, run, startup, state

OBSERVATIONS = Array(np.float32, ("agents", FEATURES))


class Surroundings(Reactor):
    """Shows the world to all agents every tick, and takes what they do."""

    agents: int
    tick = Timer(0, TICK)
    seen = Output(OBSERVATIONS)
    actions = Inputs(int, width="agents")
    ends: list[float] = state(factory=list[float])

    @reaction(startup)
    def begin(self) -> None:
        self.world = World(self.agents)

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
    index: int
    seen = Input(OBSERVATIONS)
    action = Output(int)

    @reaction(startup)
    def begin(self) -> None:
        self.policy = Policy(self.index)

    @reaction(seen, effects=[action])
    def act(self) -> None:
        self.action.set(self.policy.act(self.seen.value[self.index]))


class JointInference(Reactor):
    """A world and its agents."""

    agents: int

    def compose(self) -> None:
        self.surroundings = Surroundings(agents=self.agents)
        self.bank = [Agent(agents=self.agents, index=index) for index in range(self.agents)]
        self.connect(broadcast(self.surroundings.seen), [agent.seen for agent in self.bank])
        self.connect([agent.action for agent in self.bank], self.surroundings.actions)


def measure(agents: int, steps: int, workers: int | None = None) -> dict[str, float]:
    """Microseconds of a joint step, and what share of its time a worker waits for others."""
    result = run(JointInference(agents=agents), workers=workers, timeout=(steps + steps // 10) * TICK)
    waited = [worker["seconds_waited"] / worker["seconds"] for worker in result.workers]
    ends: list[float] = result.state("surroundings")["ends"]
    return {**figures(per_second(ends, steps)), "waited": statistics.mean(waited)}


def main() -> None:
    options = parsed(__doc__)
    found = {
        "rlreactor": measure(options.agents, options.steps),
        "rlreactor, one worker": measure(options.agents, options.steps, workers=1),
    }
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
