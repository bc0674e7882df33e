"""What both type checkers must accept. Nothing here runs; `test_types.py` has it checked."""

from __future__ import annotations

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

from rlreactor import (
    TICK,
    Action,
    Array,
    Graph,
    Input,
    Inputs,
    Output,
    Outputs,
    PhysicalAction,
    Plan,
    Reactor,
    Result,
    Struct,
    Tag,
    Timer,
    broadcast,
    check,
    interleaved,
    ms,
    plan,
    reaction,
    run,
    shutdown,
    startup,
    state,
)
from rlreactor.spec import Record

FLOATS = Array(np.float32, ("size",))
RECORD = Struct(floats=FLOATS, done=Array(np.bool_))


class Source(Reactor):
    size: int
    rate: float = 1.0
    count = Output(int)
    floats = Output(FLOATS)
    record = Output(RECORD)
    table = Output(dict[str, int])
    nothing = Output(None)
    both = Outputs(int, width=2)
    again = Action(int, min_delay=TICK, min_spacing="size", policy="drop")
    bare = Action()
    outside = PhysicalAction(str)
    bell = PhysicalAction(min_spacing="size", policy="replace")
    frames = PhysicalAction(FLOATS, min_delay=ms(1))
    tick = Timer(0, ms(1))
    steps: int = state(0)
    seen: list[int] = state(factory=list[int])
    weights: NDArray[np.float32] = state()

    @reaction(startup, tick, effects=[count, floats, record, table, nothing, both, again, bare, outside, bell, frames])
    def begin(self) -> None:
        self.count.set(self.steps)
        out = self.floats.empty()
        out[:] = self.weights
        self.floats.set(out)
        self.record.set(self.record.empty())
        self.table.set({"steps": 1})
        self.nothing.set(None)
        self.both[1].set(2)
        self.again.schedule(3)
        self.again.schedule(3, delay=TICK)
        self.bare.schedule()
        self.outside.schedule("news")
        self.outside.schedule("news", delay=ms(1))
        self.bell.schedule()
        self.frames.schedule(out)

    @reaction(again, bare, outside, reads=[count], effects=[shutdown], deadline=ms(1), late="begin")
    def go_on(self) -> None:
        assert_type(self.again.value, int)
        assert_type(self.outside.value, str)
        assert_type(self.tag, Tag)
        assert_type(self.lag, int)
        assert_type(self.rng, np.random.Generator)
        self.log(steps=self.steps, rate=self.rate)
        self.request_stop()


class Sink(Reactor):
    size: int
    count = Input(int)
    floats = Input(FLOATS, hold=True)
    record = Input(RECORD, mutable=True)
    table = Input(dict[str, int])
    nothing = Input(None)
    both = Inputs(int, width=2)

    @reaction(count, floats, record, table, both)
    def note(self) -> None:
        assert_type(self.count.present, bool)
        assert_type(self.count.value, int)
        assert_type(self.floats.value, NDArray[np.float32])
        assert_type(self.record.value, Record)
        assert_type(self.record.value.done, NDArray[Any])
        assert_type(self.table.value, dict[str, int])
        assert_type([port.value for port in self.both], list[int])
        assert_type(self.both[0], Input[int])


class Middle(Reactor):
    """A container with ports of its own."""

    count_in = Input(int)
    count_out = Output(int)

    def compose(self) -> None:
        self.source = Source(size=2)
        self.sink = Sink(size=2)
        self.connect(self.count_in, self.sink.count)
        self.connect(self.source.count, self.count_out)


class Whole(Reactor):
    width: int = 4

    def compose(self) -> None:
        self.source = Source(size=3, rate=2)
        self.other = Source(size=3, rate=0.5)
        self.sinks = [Sink(size=3) for _ in range(self.width)]
        self.connect(self.source.count, self.sinks[0].count)
        self.connect(self.source.count, [sink.count for sink in self.sinks[1:]], after=ms(1))
        self.connect(self.source.floats, self.sinks[0].floats, physical=True)
        self.connect(self.source.record, self.sinks[0].record)
        self.connect(self.source.table, self.sinks[0].table)
        self.connect(self.source.nothing, self.sinks[0].nothing)
        self.connect(self.source.both, self.sinks[0].both)
        self.connect(broadcast(self.source.both), [sink.both for sink in self.sinks[1:3]])
        self.connect(interleaved([self.source.both, self.other.both]), [s.both for s in self.sinks[3:]])
        self.place(self.source, cost=1e-3, threads=2, gpu=1, with_="other", host="here")
        self.place(self.sinks, threads=1)


def use() -> None:
    assert_type(check(Whole(), fast=True), Graph)
    made = plan(Whole(width=2), workers=2)
    assert_type(made, Plan)
    result = run(Whole(), plan=made, timeout=ms(1), seed=1, trace=True)
    assert_type(result, Result)
    assert_type(result.state("source"), dict[str, Any])
