"""Stalls: one message tells for every worker of a chain who waits for whom."""

from __future__ import annotations

import logging
import os
import re
import select
from collections.abc import Iterator

import pytest

from rlreactor import Input, Output, Reactor, Timer, ms, reaction, shutdown, state, us

from .placements import run_placed
from .watchdog import watched

LIMIT_S = 0.3
WHERE = {"slow": 0, "middle": 1, "end": 2}


class Slow(Reactor):
    """At its third tick it waits until somebody writes into the pipe `gate`."""

    gate: int
    at: int = 3
    tick = Timer(0, ms(1))
    out = Output(int)
    count: int = state(0)

    @reaction(tick, effects=[out, shutdown])
    def work(self) -> None:
        self.count += 1
        if self.count == self.at:
            os.read(self.gate, 1)
        self.out.set(self.count)
        if self.count == 4:
            self.request_stop()


class Relay(Reactor):
    inp = Input(int)
    out = Output(int)

    @reaction(inp, effects=[out])
    def relay(self) -> None:
        self.out.set(self.inp.value)


class Chain(Reactor):
    gate: int
    at: int = 3
    after: int | None = None

    def compose(self) -> None:
        self.slow = Slow(gate=self.gate, at=self.at)
        self.middle = Relay()
        self.end = Relay()
        self.connect(self.slow.out, self.middle.inp, after=self.after)
        self.connect(self.middle.out, self.end.inp)


class Opening(logging.Handler):
    """Keeps what is logged and lets the slow reaction go on."""

    def __init__(self, gate: int) -> None:
        super().__init__(logging.WARNING)
        self.gate = gate
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())
        os.write(self.gate, b".")


class Gate:
    """A pipe, and what was logged before it was opened."""

    def __init__(self, reader: int, handler: Opening) -> None:
        self.reader = reader
        self.handler = handler


@pytest.fixture
def gate() -> Iterator[Gate]:
    reader, writer = os.pipe()
    handler = Opening(writer)
    logger = logging.getLogger("rlreactor")
    logger.addHandler(handler)
    yield Gate(reader, handler)
    logger.removeHandler(handler)
    os.close(reader)
    os.close(writer)


def test_one_message_says_who_waits_for_whom(gate: Gate) -> None:
    with watched():
        result = run_placed(Chain(gate=gate.reader), WHERE, stall_limit=LIMIT_S)
    assert [event.value for event in result.trace if event.path == "end.out"] == [1, 2, 3, 4]
    [said] = gate.handler.said
    first, *lines = said.splitlines()
    assert first == "the run stalls:"
    slow, middle, end = lines
    assert slow == "  worker 0: is at (2000000 ns, 0), where it was last seen in slow.work"
    assert re.fullmatch(
        r"  worker 1: .*waits for slow\.out from slow\.work on worker 0, known only before \(2000000 ns, 0\)", middle
    )
    assert re.fullmatch(
        r"  worker 2: .*waits for middle\.out from middle\.relay on worker 1, known only before \(2000000 ns, 0\)", end
    )
    for line, waiting in ((middle, "middle.relay"), (end, "end.relay")):
        assert re.search(rf"{re.escape(waiting)} |everything ", line)


def test_what_is_waited_for_may_be_a_stop_request(gate: Gate) -> None:
    """What was sent 5 ms ago may be read as soon as it is known that the program does not stop before."""
    with watched():
        run_placed(Chain(gate=gate.reader, after=ms(5)), WHERE, stall_limit=LIMIT_S)
    [said] = gate.handler.said
    assert said.splitlines()[2] == (
        "  worker 1: everything before (5000000 ns, 0) waits for a stop request from slow.work on worker 0, "
        "known only before (2000000 ns, 1)"
    )


class Joined(Reactor):
    """The end has a timer of its own, so that it waits in the middle of a tag."""

    gate: int

    def compose(self) -> None:
        self.slow = Slow(gate=self.gate)
        self.ticking = Ticking()
        self.connect(self.slow.out, self.ticking.inp)


class Ticking(Reactor):
    inp = Input(int)
    tick = Timer(0, ms(1))
    out = Output(int)

    @reaction(tick, effects=[out])
    def beat(self) -> None:
        self.out.set(0)

    @reaction(inp, effects=[out])
    def take(self) -> None:
        self.out.set(self.inp.value)


def test_a_reaction_that_waits_at_its_tag_is_named_with_it(gate: Gate) -> None:
    with watched():
        run_placed(Joined(gate=gate.reader), {"slow": 0, "ticking": 1}, stall_limit=LIMIT_S)
    [said] = gate.handler.said
    _, slow, ticking = said.splitlines()
    assert slow == "  worker 0: is at (2000000 ns, 0), where it was last seen in slow.work"
    assert re.fullmatch(r"  worker 1: (ticking\.take at|everything before) \(2000000 ns, 0\) waits for .*", ticking)
    assert "slow.work on worker 0" in ticking


class Late(Reactor):
    """At its hundredth tick it waits until somebody writes into the pipe. It asks for no stop: others may run ahead."""

    gate: int
    tick = Timer(0, us(10))
    out = Output(int)
    count: int = state(0)

    @reaction(tick, effects=[out])
    def work(self) -> None:
        self.count += 1
        if self.count == 100:
            select.select([self.gate], [], [])
        self.out.set(1)


class Talker(Reactor):
    """Has something to say a thousand times a second, far ahead of the others, until somebody writes into the pipe."""

    gate: int
    tick = Timer(0, us(10))
    out = Output(int)
    waited: int = state(0)

    @reaction(tick, effects=[out])
    def talk(self) -> None:
        opened, _, _ = select.select([self.gate], [], [], 0.001)
        self.waited += not opened
        self.out.set(0)


class Interrupted(Reactor):
    gate: int

    def compose(self) -> None:
        self.slow = Late(gate=self.gate)
        self.talker = Talker(gate=self.gate)
        self.end = Relay()
        self.other = Relay()
        self.connect(self.slow.out, self.end.inp)
        self.connect(self.talker.out, self.other.inp, after=ms(100))


def test_who_hears_of_others_all_the_time_waits_all_the_same(gate: Gate) -> None:
    where = {"slow": 0, "end": 1, "other": 1, "talker": 2}
    with watched():
        result = run_placed(Interrupted(gate=gate.reader), where, stall_limit=LIMIT_S, timeout=ms(30))
    assert result.state("talker")["waited"] < 2000, "of 3000"
    [said] = gate.handler.said
    assert re.search(r"\n  worker 1: .* waits for slow\.out from slow\.work on worker 0", said)


def test_nobody_says_anything_while_nobody_waits_for_long(gate: Gate) -> None:
    with watched():
        run_placed(Chain(gate=gate.reader, at=0), WHERE, stall_limit=5.0)
    assert gate.handler.said == []
