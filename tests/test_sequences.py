"""Sequences do what the scheduler's own loop does; a tag that comes again and again goes through one."""

from __future__ import annotations

from typing import Any

import pytest

from rlreactor import (
    TICK,
    Action,
    Input,
    Inputs,
    Output,
    Outputs,
    Reactor,
    RunError,
    Timer,
    check,
    reaction,
    run,
    shutdown,
    state,
)
from rlreactor.scheduler import sequence
from rlreactor.scheduler.binding import Binding
from rlreactor.scheduler.clock import FastClock
from rlreactor.scheduler.scheduler import Scheduler
from rlreactor.tag import Point

from .placements import run_everywhere

NEVER = 1 << 60


class Source(Reactor):
    """Sets one of its outputs a tag, in turn."""

    width: int = 3
    tick = Timer(0, TICK)
    outs = Outputs(int, width="width")
    count: int = state(0)

    @reaction(tick, effects=[outs])
    def emit(self) -> None:
        self.outs[self.count % self.width].set(self.count)
        self.count += 1


class Doubler(Reactor):
    inp = Input(int)
    out = Output(int)

    @reaction(inp, effects=[out])
    def double(self) -> None:
        self.out.set(2 * self.inp.value)


class Sum(Reactor):
    """Adds up what is present, and asks itself again a microstep later on every fourth tag."""

    width: int = 3
    inputs = Inputs(int, width="width")
    again = Action(int)
    out = Output(int)
    total: int = state(0)

    @reaction(inputs, effects=[again, out])
    def add(self) -> None:
        self.total += sum(port.value for port in self.inputs if port.present)
        self.out.set(self.total)
        if self.total % 4 == 0:
            self.again.schedule(self.total)

    @reaction(again, effects=[out])
    def repeat(self) -> None:
        self.out.set(-self.again.value)


class Steady(Reactor):
    width: int = 3

    def compose(self) -> None:
        self.source = Source(width=self.width)
        self.doublers = [Doubler() for _ in range(self.width)]
        self.sum = Sum(width=self.width)
        self.connect(self.source.outs, [doubler.inp for doubler in self.doublers])
        self.connect([doubler.out for doubler in self.doublers], self.sum.inputs)


def scheduler_of(topology: Reactor, timeout: int) -> Scheduler:
    """A scheduler that has run `topology` to its end, alone."""
    graph = check(topology)
    scheduler = Scheduler(Binding(graph, graph.reactors), FastClock(0), timeout)
    scheduler.run()
    return scheduler


def written(scheduler: Scheduler) -> list[Any]:
    return [found for found in scheduler._sequences.written.values() if found is not None]


@pytest.mark.parametrize("warm_up", [0, 1, 5, 32])
def test_the_trace_is_that_of_the_plain_loop(monkeypatch: pytest.MonkeyPatch, warm_up: int) -> None:
    monkeypatch.setattr(sequence, "warm_up", NEVER)
    plain = run_everywhere(Steady(), timeout=100)
    monkeypatch.setattr(sequence, "warm_up", warm_up)
    assert run_everywhere(Steady(), timeout=100).fingerprint == plain.fingerprint


def test_what_comes_again_and_again_is_written_down() -> None:
    assert not written(scheduler_of(Steady(), timeout=sequence.warm_up - 2))
    scheduler = scheduler_of(Steady(), timeout=200)
    assert len(written(scheduler)) == 2  # the timer, and the action
    assert scheduler.tags == 200 + 1 + sum(1 for v in totals(201) if v % 4 == 0 and v is not None)


def totals(tags: int) -> list[int]:
    """The sums after each tag."""
    return [sum(2 * k for k in range(n + 1)) for n in range(tags - 1)]


def test_what_comes_between_two_tags_keeps_neither_from_its_sequence() -> None:
    graph = check(Steady())
    scheduler = Scheduler(Binding(graph, graph.reactors), FastClock(0), 200)
    process, plainly, calls = scheduler._process, list[Point](), list[Point]()

    def noting(tag: Point) -> None:
        plainly.append(tag)
        process(tag)

    scheduler._process = noting  # type: ignore[method-assign]
    scheduler.before_reaction = lambda _: scheduler.call_soon(lambda: calls.append(scheduler.last))
    scheduler.run()
    warm_ups = 2 * (sequence.warm_up + 1)  # of the timer, and of the action
    assert (len(plainly), max(plainly)) == (warm_ups + 2, (200, 0))  # and the first and the last tag
    assert len(calls) > scheduler.tags


def test_a_tag_at_which_little_of_the_possible_happens_keeps_the_plain_loop() -> None:
    scheduler = scheduler_of(Steady(width=40), timeout=300)
    assert [found is None for found in scheduler._sequences.written.values()] == [True, False]


class Fragile(Reactor):
    tick = Timer(0, TICK)
    count: int = state(0)

    @reaction(tick)
    def work(self) -> None:
        self.count += 1
        if self.count == 50:
            raise ValueError("enough")

    @reaction(shutdown)
    def end(self) -> None: ...


@pytest.mark.parametrize("warm_up", [0, NEVER])
def test_a_failure_names_reaction_tag_and_line(monkeypatch: pytest.MonkeyPatch, warm_up: int) -> None:
    monkeypatch.setattr(sequence, "warm_up", warm_up)
    with pytest.raises(RunError) as failure:
        run(Fragile(), timeout=100)
    assert str(failure.value).startswith("reaction work failed at (49 ns, 0): ValueError: enough\nTraceback")
    assert "test_sequences.py" in str(failure.value)
    assert "sequence.py" not in str(failure.value)


class Late(Reactor):
    """Half of its deadlines are missed."""

    tick = Timer(0, TICK)
    out = Output(str)

    def missed(self) -> None:
        self.out.set("late")

    @reaction(tick, effects=[out], deadline=0, late="missed")
    def always(self) -> None:
        self.out.set("in time")

    @reaction(tick, reads=[out], effects=[out], deadline=1 << 60, late="missed")
    def never(self) -> None:
        self.out.set(self.out.value + ", then in time")


@pytest.mark.parametrize("warm_up", [0, NEVER])
def test_deadlines(monkeypatch: pytest.MonkeyPatch, warm_up: int) -> None:
    monkeypatch.setattr(sequence, "warm_up", warm_up)
    trace = run(Late(), timeout=5, trace=True).trace
    assert trace == [((time, 0), "out", "late, then in time") for time in range(6)]


class Stopper(Reactor):
    tick = Timer(0, TICK)
    count: int = state(0)

    @reaction(tick, effects=[shutdown])
    def work(self) -> None:
        self.count += 1
        if self.count == 70:
            self.request_stop()


@pytest.mark.parametrize("warm_up", [0, NEVER])
def test_a_stop_request(monkeypatch: pytest.MonkeyPatch, warm_up: int) -> None:
    monkeypatch.setattr(sequence, "warm_up", warm_up)
    result = run(Stopper(), timeout=1000)
    assert (result.tag, result.state("")["count"]) == ((69, 1), 70)
