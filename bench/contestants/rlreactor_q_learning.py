"""Synchronous parallel Q-learning by rlreactor: rollouts and a learner, whose weights arrive one tick later."""

from __future__ import annotations

import time

import numpy as np

from bench.contestants.q_learning import FEATURES, SIZE, Learner, Rollout, Weights, figures, parsed
from bench.contestants.slices import serve
from rlreactor import TICK, Array, Input, Inputs, Output, Reactor, Struct, broadcast, reaction, run, startup, state

WEIGHTS = Array(np.float32, (SIZE,))
TRANSITIONS = Struct(
    observations=Array(np.float32, ("steps", FEATURES)),
    actions=Array(np.int64, ("steps",)),
    rewards=Array(np.float32, ("steps",)),
    following=Array(np.float32, ("steps", FEATURES)),
    ended=Array(np.uint8, ("steps",)),
)


class Collector(Reactor):
    """Makes `steps` steps for all weights that it receives."""

    index: int
    steps: int
    weights = Input(WEIGHTS)
    transitions = Output(TRANSITIONS)

    @reaction(startup)
    def begin(self) -> None:
        self.rollout = Rollout(self.index)

    @reaction(weights, effects=[transitions])
    def collect(self) -> None:
        out = self.transitions.empty()
        self.rollout.fill(self.weights.value, out)
        self.transitions.set(out)


class Teacher(Reactor):
    """Learns once everybody has collected, and sends the weights again."""

    rollouts: int
    steps: int
    minibatch: int
    transitions = Inputs(TRANSITIONS, width="rollouts")
    weights = Output(WEIGHTS)
    ends: list[float] = state(factory=list[float])
    learnt: Weights = state(factory=lambda: np.zeros(SIZE, np.float32))

    @reaction(startup, effects=[weights])
    def begin(self) -> None:
        self.learner = Learner(self.minibatch)
        self.weights.set(self.learner.weights.copy())

    @reaction(transitions, effects=[weights])
    def learn(self) -> None:
        self.learner.learn([channel.value for channel in self.transitions])
        self.learnt = self.learner.weights.copy()
        self.weights.set(self.learnt)
        self.ends.append(time.perf_counter())


class QLearning(Reactor):
    """Rollouts and the learner in step: a round is a tick."""

    rollouts: int
    steps: int
    minibatch: int

    def compose(self) -> None:
        self.teacher = Teacher(rollouts=self.rollouts, steps=self.steps, minibatch=self.minibatch)
        self.bank = [self.make_collector(index) for index in range(self.rollouts)]
        self.connect(broadcast(self.teacher.weights), [collector.weights for collector in self.bank], after=TICK)
        self.connect([collector.transitions for collector in self.bank], self.teacher.transitions)

    def make_collector(self, index: int) -> Collector:
        """One of the rollouts; a subclass may have others."""
        return Collector(index=index, steps=self.steps)


def train(topology: QLearning, rounds: int, workers: int | None = None) -> dict[str, float]:
    """All rounds."""
    result = run(topology, workers=workers, timeout=(rounds + 1) * TICK)
    teacher = result.state("teacher")
    return figures(teacher["ends"], teacher["learnt"])


def main() -> None:
    options = parsed(__doc__)
    topology = QLearning(rollouts=options.rollouts, steps=options.steps, minibatch=options.minibatch)
    serve({"rlreactor": lambda: train(topology, options.rounds)})


if __name__ == "__main__":
    main()
