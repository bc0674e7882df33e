"""Every array starts at a multiple of 64 bytes, however it came: numpy may sum in another order elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from rlreactor import TICK, Array, Input, Output, Reactor, Struct, Timer, reaction, state

from ..placements import run_placed

PAIR = Struct(a=Array(np.float32, (3,)), b=Array(np.float64, (5,)))


class Source(Reactor):
    """Sets its values in both ways: filled in place, and given."""

    tick = Timer(0, TICK)
    filled = Output(PAIR)
    given = Output(Array(np.float64, (7,)))

    @reaction(tick, effects=[filled, given])
    def send(self) -> None:
        pair = self.filled.empty()
        pair.a[...] = pair.b[...] = self.tag.time
        self.filled.set(pair)
        self.given.set(np.full(7, self.tag.time, np.float64))


class Sink(Reactor):
    filled = Input(PAIR)
    given = Input(Array(np.float64, (7,)))
    odd: list[int] = state(factory=list[int])
    kept: list[float] = state(factory=list[float])

    @reaction(filled, given)
    def take(self) -> None:
        arrays = [self.filled.value.a, self.filled.value.b, self.given.value]
        self.odd += [array.ctypes.data % 64 for array in arrays if array.ctypes.data % 64]
        self.kept.append(sum(float(array.sum()) for array in arrays))


class Pair(Reactor):
    def compose(self) -> None:
        self.source = Source()
        self.sink = Sink()
        self.connect(self.source.filled, self.sink.filled)
        self.connect(self.source.given, self.sink.given)


@pytest.mark.parametrize("inline_limit", [0, 4096])
@pytest.mark.parametrize("where", [{}, {"source": 0, "sink": 1}], ids=str)
def test_arrays_start_at_multiples_of_64(where: dict[str, int], inline_limit: int) -> None:
    state = run_placed(Pair(), where, timeout=20, inline_limit=inline_limit).state("sink")
    assert state["odd"] == []
    assert state["kept"] == [15.0 * time for time in range(21)]
