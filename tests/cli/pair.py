"""Topologies for the tests of commands."""

from __future__ import annotations

from rlreactor import Input, Output, Reactor, Timer, ms, reaction, state

HALF = 0.5


class Source(Reactor):
    step: int = 1
    out = Output(int)
    tick = Timer(0, ms(1))
    count: int = state(0)

    @reaction(tick, effects=[out])
    def count_on(self) -> None:
        self.count += self.step
        self.out.set(self.count)


class Sink(Reactor):
    seen = Input(int)

    @reaction(seen)
    def note(self) -> None:
        self.log(total=self.seen.value)


class Pair(Reactor):
    step: int = 1

    def compose(self) -> None:
        self.source = Source(step=self.step)
        self.sink = Sink()
        self.connect(self.source.out, self.sink.seen)


class Unfed(Pair):
    def compose(self) -> None:
        super().compose()
        self.other = Source()
        self.connect(self.other.out, self.sink.seen)


class Breaks(Pair):
    def compose(self) -> None:
        _ = 1 / 0
