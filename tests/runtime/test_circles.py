"""Workers that wait for each other's slots: whoever holds them gives way, in whatever way the circle closes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from rlreactor import TICK, Action, Array, Input, Output, Reactor, RunError, Timer, reaction, state

from ..placements import TINY, run_placed
from ..watchdog import watched

LARGE = Array(np.float32, (1500,))


class Sender(Reactor):
    """Sends an array a tick, and fails where it is told to."""

    fails_at: int = -1
    tick = Timer(0, TICK)
    out = Output(LARGE)

    @reaction(tick, effects=[out])
    def send(self) -> None:
        if self.tag.time == self.fails_at:
            raise ValueError("told to")
        array = self.out.empty()
        array[...] = self.tag.time
        self.out.set(array)


class Quiet(Reactor):
    """Never says anything."""

    never = Action()
    out = Output(int)

    @reaction(never, effects=[out])
    def speak(self) -> None:
        self.out.set(1)


class Holder(Reactor):
    array = Input(LARGE)
    word = Input(int)
    seen: list[float] = state(factory=list[float])

    @reaction(array, word)
    def take(self) -> None:
        if self.array.present:
            self.seen.append(float(self.array.value[0]))


class UntilTheEnd(Reactor):
    """At the timeout the holder waits for the quiet one, which waits to hear that nothing happens before it."""

    def compose(self) -> None:
        self.sender = Sender()
        self.quiet = Quiet()
        self.holder = Holder()
        self.connect(self.sender.out, self.holder.array, after=3)
        self.connect(self.quiet.out, self.holder.word)


@pytest.mark.parametrize("slots", [1, 2])
def test_a_worker_that_waits_for_the_end_closes_a_circle(slots: int) -> None:
    where = {"sender": 2, "quiet": 1, "holder": 0}
    with watched():
        result = run_placed(UntilTheEnd(), where, timeout=9, inline_limit=TINY, slots=slots)
    assert result.state("holder")["seen"] == [0, 1, 2, 3, 4, 5, 6]


class TwoFail(Reactor):
    """Both senders fail at the same tag; the first of them needs slots that are held for later tags."""

    def compose(self) -> None:
        self.first = Sender(fails_at=15)
        self.second = Sender(fails_at=15)
        self.holder = Holder()
        self.other = Holder()
        self.connect(self.first.out, self.holder.array, after=40)
        self.connect(self.second.out, self.other.array, after=2)


def test_the_first_failure_of_the_program_is_told_though_another_worker_failed_before() -> None:
    where = {"first": 0, "second": 1, "holder": 2, "other": 2}
    for _ in range(3):
        with watched(), pytest.raises(RunError, match=r"^reaction first\.send failed at \(15 ns, 0\)"):
            run_placed(TwoFail(), where, inline_limit=TINY, slots=2)


class Addresses(Reactor):
    """Where the arrays that it receives lie."""

    array = Input(LARGE)
    seen: set[int] = state(factory=set[int])

    @reaction(array)
    def take(self) -> None:
        value: NDArray[np.float32] = self.array.value
        self.seen.add(value.ctypes.data)


class Stream(Reactor):
    def compose(self) -> None:
        self.sender = Sender()
        self.reader = Addresses()
        self.connect(self.sender.out, self.reader.array)


def test_what_is_read_and_let_go_is_never_copied() -> None:
    result = run_placed(Stream(), {"sender": 0, "reader": 1}, timeout=500, inline_limit=TINY, slots=3)
    assert len(result.state("reader")["seen"]) == 3
