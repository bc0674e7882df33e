"""Seconds that two workers take for many tags each: one sends to the other seldom, or never, or has no way to."""

from __future__ import annotations

import argparse

from bench.contestants.slices import serve
from rlreactor import TICK, Input, Output, Reactor, Timer, reaction, run, state


class Talker(Reactor):
    """Something to do at every tag; something to say at every `every`-th, or never."""

    every: int
    tick = Timer(0, TICK)
    word = Output(int)
    count: int = state(0)

    @reaction(tick, effects=[word])
    def work(self) -> None:
        self.count += 1
        if self.every and self.count % self.every == 0:
            self.word.set(self.count)


class Listener(Reactor):
    tick = Timer(0, TICK)
    word = Input(int)
    count: int = state(0)
    heard: int = state(0)

    @reaction(tick)
    def work(self) -> None:
        self.count += 1

    @reaction(word)
    def hear(self) -> None:
        assert self.word.value == self.count
        self.heard += 1


class Sparse(Reactor):
    every: int
    connected: bool = True

    def compose(self) -> None:
        self.talker = Talker(every=self.every)
        self.listener = Listener()
        if self.connected:
            self.connect(self.talker.word, self.listener.word)


def seconds(tags: int, every: int, *, connected: bool = True) -> float:
    """Of the slower worker."""
    topology = Sparse(every=every, connected=connected)
    result = run(topology, workers=2, timeout=(tags - 1) * TICK)
    listener = result.state("listener")
    assert (listener["count"], listener["heard"]) == (tags, tags // every if every else 0)
    return max(float(worker["seconds"]) for worker in result.workers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tags", type=int, default=1_000_000)
    parser.add_argument("--every", type=int, default=10_000)
    options = parser.parse_args()
    forms = {
        "a message now and then": lambda: {"seconds": seconds(options.tags, options.every)},
        "no message": lambda: {"seconds": seconds(options.tags, 0)},
        "not connected": lambda: {"seconds": seconds(options.tags, 0, connected=False)},
    }
    serve(forms)


if __name__ == "__main__":
    main()
