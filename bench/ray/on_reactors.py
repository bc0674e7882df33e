"""PPO on reactors: rollouts and a learner, whose weights arrive one tick later."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from bench.ray.shared import ENVIRONMENTS, HORIZON, ROLLOUTS, SIZE, Collecting, Learning, main
from rlreactor import TICK, Array, Input, Inputs, Output, Reactor, Struct, broadcast, reaction, run, startup, state

WEIGHTS = Array(np.float32, (SIZE,))
ROWS = Array(np.float32, (HORIZON, ENVIRONMENTS))
FRAGMENT = Struct(
    observations=Array(np.float32, (HORIZON, ENVIRONMENTS, 4)), actions=ROWS, log_probabilities=ROWS, rewards=ROWS,
    dones=ROWS, values=ROWS, advantages=ROWS,
)  # fmt: skip


class Rollout(Reactor):
    index: int
    weights = Input(WEIGHTS)
    fragment = Output(FRAGMENT)

    @reaction(startup)
    def begin(self) -> None:
        self.collecting = Collecting(self.index)

    @reaction(weights, effects=[fragment])
    def collect(self) -> None:
        out = self.fragment.empty()
        self.collecting.fill(self.weights.value, [array for _, array in out])
        self.fragment.set(out)


class Learner(Reactor):
    rollouts: int
    fragments = Inputs(FRAGMENT, width="rollouts")
    weights = Output(WEIGHTS)
    learnt: NDArray[np.float32] = state(factory=lambda: np.zeros(SIZE, np.float32))
    ends: list[float] = state(factory=list[float])

    @reaction(startup, effects=[weights])
    def begin(self) -> None:
        self.learning = Learning()
        self.weights.set(self.learning.weights())

    @reaction(fragments, effects=[weights])
    def learn(self) -> None:
        self.learning.learn([[array for _, array in port.value] for port in self.fragments])
        self.learnt = self.learning.weights()
        self.weights.set(self.learnt)
        self.ends.append(time.perf_counter())


class PPO(Reactor):
    def compose(self) -> None:
        self.rollouts = [Rollout(index=index) for index in range(ROLLOUTS)]
        self.learner = Learner(rollouts=ROLLOUTS)
        self.connect([rollout.fragment for rollout in self.rollouts], self.learner.fragments)
        self.connect(broadcast(self.learner.weights), [rollout.weights for rollout in self.rollouts], after=TICK)


def train(updates: int) -> tuple[list[float], NDArray[np.float32]]:
    learner = run(PPO(), timeout=updates * TICK).state("learner")
    return learner["ends"], learner["learnt"]


if __name__ == "__main__":
    main("rlreactor", train)
