"""What a run leaves: the trace in one order, the fingerprint of it."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# Bare `dict` and `list` are what is tested; strict checking wants their parameters.

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rlreactor import Array, Input, Output, Reactor, Struct, Tag, Timer, ms, reaction, run, startup, state
from rlreactor.scheduler.recorder import Event, Trace
from rlreactor.spec import Record

from .placements import TINY, run_everywhere, run_placed


class Values(Reactor):
    """Sets one value of every kind."""

    change: str = ""
    tick = Timer(0, ms(1))
    number = Output(int)
    big = Output(int)
    real = Output(float)
    text = Output(str)
    flag = Output(bool)
    nothing = Output(None)
    listed = Output(list)
    pair = Output(tuple[int, str])
    array = Output(Array(np.float32, (2, 2)))
    wide = Output(Array(np.complex128, (600,)))
    record = Output(Struct(a=Array(np.int8, (3,)), b=Array(np.bool_, ())))

    @reaction(tick, effects=[number, big, real, text, flag, nothing, listed, pair, array, wide, record])
    def send(self) -> None:
        last = self.tag.time == ms(2)
        values: dict[str, Any] = {
            "number": self.tag.time,
            "big": 2**70,
            "real": 0.1,
            "text": "ä",
            "flag": False,
            "nothing": None,
            "listed": [1, (2, "x")],
            "pair": (1, "a"),
            "array": np.eye(2, dtype=np.float32),
            "wide": np.full(600, 1j),
            "record": {"a": np.arange(3, dtype=np.int8), "b": np.array(True)},
        }
        if last and self.change:
            values[self.change] = CHANGED[self.change]
        for name, value in values.items():
            getattr(self, name).set(value)


CHANGED: dict[str, Any] = {
    "number": 3,
    "big": 2**70 + 1,
    "real": -0.0,
    "text": "a",
    "flag": True,
    "listed": [1, [2, "x"]],
    "pair": (1, "b"),
    "array": np.eye(2, dtype=np.float32) * np.float32(1 + 2**-23),
    "wide": np.full(600, -1j),
    "record": {"a": np.arange(3, dtype=np.int8), "b": np.array(False)},
}


class Two(Reactor):
    change: str = ""

    def compose(self) -> None:
        self.one = Values()
        self.other = Values(change=self.change)


@pytest.mark.parametrize("where", [{}, {"other": 1}])
def test_values_come_back_as_they_were_set(where: dict[str, int]) -> None:
    trace = run_placed(Two(), where, timeout=0, inline_limit=TINY).trace
    values = {event.path.removeprefix("other."): event.value for event in trace if event.path.startswith("other.")}
    assert values.pop("array").tolist() == [[1, 0], [0, 1]]
    assert values.pop("wide").tolist() == [1j] * 600
    record = values.pop("record")
    assert isinstance(record, Record)
    assert (record.a.tolist(), record.b.tolist()) == ([0, 1, 2], True)
    assert values == {
        "number": 0, "big": 2**70, "real": 0.1, "text": "ä", "flag": False, "nothing": None, "listed": [1, (2, "x")],
        "pair": (1, "a"),
    }  # fmt: skip
    assert {type(event.tag) for event in trace} == {Tag}


def test_the_order_is_by_tag_then_by_the_order_of_reactions() -> None:
    result = run_everywhere(Two(), timeout=ms(1))
    names = list(Values._declaration.elements)[1:]  # pyright: ignore[reportPrivateUsage]
    expected = [
        ((time, 0), f"{reactor}.{name}") for time in (0, ms(1)) for reactor in ("one", "other") for name in names
    ]
    assert [(event.tag, event.path) for event in result.trace] == expected


@pytest.mark.parametrize("change", list(CHANGED))
def test_any_other_value_changes_the_fingerprint(change: str) -> None:
    plain = run(Two(), workers=1, timeout=ms(2), trace=True)
    changed = run(Two(change=change), workers=1, timeout=ms(2), trace=True)
    assert plain.fingerprint != changed.fingerprint
    assert (plain.trace == changed.trace) == (change == "real" and CHANGED["real"] == 0.1)


def test_another_tag_changes_the_fingerprint() -> None:
    one, other = (run(Two(), workers=1, timeout=ms(n)) for n in (2, 3))
    assert one.fingerprint != other.fingerprint


class Silent(Reactor):
    speaks: int = 0
    a = Output(int)
    b = Output(int)

    @reaction(startup, effects=[a, b])
    def begin(self) -> None:
        if self.speaks:
            (self.a if self.speaks == 1 else self.b).set(1)


def test_which_port_it_was_changes_the_fingerprint() -> None:
    assert len({run(Silent(speaks=n), workers=1).fingerprint for n in range(3)}) == 3


class Many(Reactor):
    """Enough values to fill the recorder's batches several times."""

    odd: int = 0
    tick = Timer(0, 1)
    out = Output(int)

    @reaction(tick, effects=[out])
    def send(self) -> None:
        self.out.set(self.tag.time + (self.tag.time == self.odd))


def test_a_long_trace_is_covered_whole() -> None:
    fingerprints = {run(Many(odd=odd), workers=1, timeout=2500).fingerprint for odd in (-1, 0, 1022, 1023, 1024, 2500)}
    assert len(fingerprints) == 6


def test_without_being_asked_for_there_is_none() -> None:
    result = run(Two(), workers=1, timeout=0, fingerprint=False)
    assert (result.trace, result.fingerprint) == ([], "")
    on_two = run_placed(Two(), {"other": 1}, timeout=0, fingerprint=False)
    assert on_two.fingerprint == ""
    assert len(on_two.trace) == 22


def test_traces_compare_arrays_by_their_contents() -> None:
    def trace(value: Any) -> Trace:
        return Trace([Event(Tag(0, 0), "x", value)])

    assert trace(np.array([1.0, np.nan])) == trace(np.array([1.0, np.nan]))
    assert trace(np.array([1.0])) != trace(np.array([2.0]))
    assert trace((1, np.zeros(2))) == [((0, 0), "x", (1, np.zeros(2)))]
    assert trace(1) != trace(2)
    assert trace(1) != Trace()
    assert Trace() == []


class Whereabouts(Reactor):
    """Tells another reactor something about this process, and something about the program."""

    said: str
    address = Output(str, recorded=False)
    answer = Output(int)

    @reaction(startup, effects=[address, answer])
    def tell(self) -> None:
        self.address.set(self.said)
        self.answer.set(42)


class Listener(Reactor):
    address = Input(str)
    heard: str = state("")

    @reaction(address)
    def hear(self) -> None:
        self.heard = self.address.value


class Addressed(Reactor):
    said: str

    def compose(self) -> None:
        self.speaker = Whereabouts(said=self.said)
        self.listener = Listener()
        self.connect(self.speaker.address, self.listener.address)


@pytest.mark.parametrize("where", [{}, {"listener": 1}])
def test_what_is_not_recorded_arrives_and_leaves_no_trace(where: dict[str, int]) -> None:
    results = [run_placed(Addressed(said=said), where, timeout=0) for said in ("here", "there, far away")]
    assert [result.state("listener")["heard"] for result in results] == ["here", "there, far away"]
    assert results[0].fingerprint == results[1].fingerprint != ""
    assert [event.path for event in results[0].trace] == ["speaker.answer"]
