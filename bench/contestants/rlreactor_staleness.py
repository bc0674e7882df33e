"""Weights that a learner pushes and readers pull `1 + k` ticks later: what lag every batch had, and pushes a second."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from bench.contestants.slices import serve
from bench.contestants.staleness import figures, look, parsed
from bench.contestants.times import per_second
from rlreactor import TICK, Array, Input, Inputs, Output, Reactor, Struct, Timer, broadcast, plan, reaction, run, state

VERSIONED = Struct(version=Array(np.int64, ()), flat=Array(np.float32, ("size",)))


class Learner(Reactor):
    """Takes a batch of every reader at every tick, notes how old its weights are, and pushes new ones."""

    readers: int
    size: int
    used = Inputs(int, width="readers")
    tick = Timer(0, TICK)
    weights = Output(VERSIONED)
    version: int = state(0)
    flat: NDArray[np.float32] = state(factory=lambda: np.zeros(0, np.float32))
    lags: list[int] = state(factory=list[int])
    ends: list[float] = state(factory=list[float])

    @reaction(tick, reads=[used], effects=[weights])
    def learn(self) -> None:
        if not len(self.flat):
            self.flat = np.zeros(self.size, np.float32)
        self.lags += [self.version - batch.value for batch in self.used if batch.present]
        self.version += 1
        self.flat[0] = self.flat[-1] = self.version
        out = self.weights.empty()
        out.version[...] = self.version
        out.flat[:] = self.flat
        self.weights.set(out)
        self.ends.append(time.perf_counter())


class Reader(Reactor):
    """Looks at the weights of every tick, where they lie, and says in its batch which it used."""

    size: int
    weights = Input(VERSIONED)
    used = Output(int)

    @reaction(weights, effects=[used])
    def collect(self) -> None:
        weights = self.weights.value
        look(weights.flat)
        self.used.set(int(weights.version))


class Staleness(Reactor):
    """Batches arrive at the tick at which they are made, and their weights are then `policy_lag` updates old."""

    readers: int
    size: int
    policy_lag: int

    def compose(self) -> None:
        self.learner = Learner(readers=self.readers, size=self.size)
        self.bank = [Reader(size=self.size) for _ in range(self.readers)]
        delay = (1 + self.policy_lag) * TICK
        self.connect(broadcast(self.learner.weights), [reader.weights for reader in self.bank], after=delay)
        self.connect([reader.used for reader in self.bank], self.learner.used)


def measure(readers: int, size: int, lag: int, pushes: int) -> dict[str, float]:
    """So many pushes after a tenth as many to warm up. The fingerprint is off: it reads every byte."""
    topology = Staleness(readers=readers, size=size, policy_lag=lag)
    ticks = pushes + pushes // 10 + 1 + lag
    result = run(topology, plan=plan(topology, workers=2), timeout=ticks * TICK, fingerprint=False)
    learner = result.state("learner")
    return figures(per_second(learner["ends"], pushes), learner["lags"])


def main() -> None:
    options = parsed(__doc__)
    serve({"rlreactor": lambda: measure(options.readers, options.bytes // 4, options.lag, options.pushes)})


if __name__ == "__main__":
    main()
