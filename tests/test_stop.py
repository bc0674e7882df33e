"""How programs end: timeout, request, starvation; at one tag on every worker."""

from __future__ import annotations

from typing import Any

import pytest

from rlreactor import (
    TICK,
    Action,
    Array,
    Input,
    Output,
    Reactor,
    Result,
    RunError,
    Tag,
    Timer,
    ms,
    reaction,
    run,
    shutdown,
    startup,
    state,
)
from rlreactor.runtime.preludes import JITTER

from .placements import TINY, run_everywhere, run_placed
from .watchdog import watched


class Ends(Reactor):
    """Sends at startup, and at the end what its last tag is."""

    out = Output(int)
    end = Output(int)

    @reaction(startup, effects=[out])
    def begin(self) -> None:
        self.out.set(1)

    @reaction(shutdown, effects=[end])
    def stop(self) -> None:
        self.end.set(self.tag.time)


class Echo(Reactor):
    inp = Input(int)
    out = Output(int)
    end = Output(bool)

    @reaction(inp, effects=[out])
    def echo(self) -> None:
        self.out.set(self.inp.value)

    @reaction(shutdown, effects=[end])
    def stop(self) -> None:
        self.end.set(True)


class Pair(Reactor):
    after: int | None = None
    what: str = "out"

    def compose(self) -> None:
        self.ends = Ends()
        self.echo = Echo()
        self.connect(self.ends.out if self.what == "out" else self.ends.end, self.echo.inp, after=self.after)


def ends(result: Result) -> list[tuple[Tag, str]]:
    return sorted((event.tag, event.path) for event in result.trace if event.path.endswith("end"))


@pytest.mark.parametrize("timeout", [None, ms(100)])
@pytest.mark.parametrize(("after", "tag"), [(None, (0, 1)), (0, (0, 2)), (5, (5, 1))])
def test_a_program_with_nothing_left_stops_one_microstep_later(
    timeout: int | None, after: int | None, tag: tuple[int, int]
) -> None:
    with watched():
        result = run_everywhere(Pair(after=after), timeout=timeout)
    assert ends(result) == [(tag, "echo.end"), (tag, "ends.end")]
    assert result.tag == tag


def test_an_event_beyond_the_timeout_is_something_left() -> None:
    result = run_everywhere(Pair(after=50), timeout=20)
    assert ends(result) == [((20, 0), "echo.end"), ((20, 0), "ends.end")]
    assert [event.path for event in result.trace] == ["ends.out", "ends.end", "echo.end"]


def test_an_event_at_the_timeout_happens() -> None:
    result = run_everywhere(Pair(after=20), timeout=20)
    assert ((20, 0), "echo.out", 1) in result.trace


@pytest.mark.parametrize("timeout", [None, 0, 7])
def test_what_shutdown_reactions_send_arrives_at_the_last_tag(timeout: int | None) -> None:
    result = run_everywhere(Pair(what="end"), timeout=timeout)
    tag = (0, 0) if timeout == 0 else (0, 1)
    assert result.tag == tag
    assert (tag, "echo.out", 0) in result.trace
    assert ends(result) == [(tag, "echo.end"), (tag, "ends.end")]


def test_what_shutdown_reactions_send_later_never_arrives() -> None:
    result = run_everywhere(Pair(what="end", after=0), timeout=7)
    assert [event.path for event in result.trace] == ["ends.out", "ends.end", "echo.end"]


class Idle(Reactor):
    """Has reactions, and no event ever."""

    inp = Input(int)
    end = Output(bool)

    @reaction(inp)
    def never(self) -> None: ...

    @reaction(shutdown, effects=[end])
    def stop(self) -> None:
        self.end.set(True)


class Busy(Reactor):
    """Schedules itself, then asks for the end, or runs out."""

    how: str
    step: int = 0
    times: int = 6
    action = Action(int)
    out = Output(int)
    end = Output(bool)

    @reaction(startup, effects=[action])
    def begin(self) -> None:
        self.action.schedule(1, delay=self.step)

    @reaction(action, effects=[action, out, shutdown])
    def go_on(self) -> None:
        number = self.action.value
        self.out.set(number)
        if self.how == "runs out" and number == self.times:
            return
        if self.how == "asks" and number == self.times:
            self.request_stop()
            self.request_stop()
        self.action.schedule(number + 1, delay=self.step)

    @reaction(shutdown, effects=[end, shutdown])
    def stop(self) -> None:
        self.request_stop()
        self.end.set(True)


class WithIdle(Reactor):
    how: str
    step: int
    after: int | None = None

    def compose(self) -> None:
        self.busy = Busy(how=self.how, step=self.step)
        self.idle = Idle()
        self.echo = Echo()
        self.lonely = Idle()
        self.connect(self.busy.out, self.echo.inp, after=self.after)


@pytest.mark.parametrize("after", [None, 0])
@pytest.mark.parametrize(
    ("how", "step", "timeout", "tag"),
    [
        ("asks", 0, None, (0, 7)),
        ("asks", 3, None, (18, 1)),
        ("asks", 3, 100, (18, 1)),
        ("asks", 3, 18, (18, 0)),
        ("asks", 3, 10, (10, 0)),
        ("runs out", 3, None, (18, 1)),
        ("runs out", 0, 5, (0, 7)),
        ("goes on", 3, 10, (10, 0)),
    ],
)
def test_idle_workers_stop_with_the_busy_one(
    how: str, step: int, timeout: int | None, tag: tuple[int, int], after: int | None
) -> None:
    with watched():
        result = run_everywhere(WithIdle(how=how, step=step, after=after), workers=(2, 4), timeout=timeout)
    if how == "runs out" and after == 0:
        tag = (tag[0], tag[1] + 1)
    assert result.tag == tag
    assert ends(result) == [(tag, f"{path}.end") for path in ("busy", "echo", "idle", "lonely")]


class Racing(Reactor):
    """Asks for the end at its own time."""

    when: int
    period: int = 1
    tick = Timer(0, "period")
    out = Output(int)
    end = Output(int)

    @reaction(tick, effects=[out, shutdown])
    def go_on(self) -> None:
        self.out.set(self.tag.time)
        if self.tag.time == self.when:
            self.request_stop()

    @reaction(shutdown, effects=[end])
    def stop(self) -> None:
        self.end.set(self.tag.microstep)


class Race(Reactor):
    times: tuple[int, ...]

    def compose(self) -> None:
        self.racing = [Racing(when=when) for when in self.times]
        self.echo = [Echo() for _ in self.times]
        self.connect([racing.out for racing in self.racing], [echo.inp for echo in self.echo], after=0)


@pytest.mark.parametrize("times", [(7, 7, 7), (7, 5, 9), (9, 8, 7), (3, 3, 50)])
def test_the_earliest_request_counts_whoever_is_ahead(times: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    topology = Race(times=times)
    alone = run(topology, workers=1, trace=True)
    assert alone.tag == (min(times), 1)
    for number in range(4):
        monkeypatch.setenv(JITTER, f"{number}:1500")
        where = {f"racing[{i}]": i for i in range(3)} | {f"echo[{i}]": (i + number) % 3 for i in range(3)}
        with watched():
            result = run_placed(topology, where)
        assert (result.trace, result.tag) == (alone.trace, alone.tag)


class StopsOthers(Reactor):
    """One asks for the end while another still has to hear of an event at that tag."""

    def compose(self) -> None:
        self.racing = Racing(when=5)
        self.ticking = Racing(when=-1)
        self.counting = Counting()
        self.connect(self.ticking.out, self.counting.inp, after=0)


class Counting(Reactor):
    inp = Input(int)
    calls: list[tuple[int, int]] = state(factory=list[tuple[int, int]])

    @reaction(inp, shutdown)
    def call(self) -> None:
        self.calls.append((self.tag.time, self.tag.microstep))


def test_a_reaction_runs_once_at_the_last_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the event of that tag is there before the news of the stop."""
    monkeypatch.setenv(JITTER, "1:3000")
    for where in ({}, {"racing": 1}, {"racing": 2, "ticking": 1}, {"counting": 1}):
        result = run_placed(StopsOthers(), where)
        assert result.state("counting")["calls"] == [(n, 1) for n in range(6)]
        assert result.tag == (5, 1)


NUMBERS = Array("float64", (700,))


class Flooding(Reactor):
    """Sends more, at every tag and at the end, than anybody will ever take in."""

    tick = Timer(0, TICK)
    arrays = Output(NUMBERS)
    texts = Output(bytes)

    @reaction(tick, effects=[arrays, texts])
    def send(self) -> None:
        array = self.arrays.empty()
        array[:] = self.tag.time
        self.arrays.set(array)
        self.texts.set(bytes(60_000))

    @reaction(shutdown, effects=[arrays, texts])
    def stop(self) -> None:
        self.texts.set(bytes(300_000))


class Drain(Reactor):
    arrays = Input(NUMBERS)
    texts = Input(bytes)
    count: int = state(0)

    @reaction(arrays, texts)
    def take(self) -> None:
        self.count += 1


class Flood(Reactor):
    after: int

    def compose(self) -> None:
        self.flooding = Flooding()
        self.drain = Drain()
        self.connect(self.flooding.arrays, self.drain.arrays, after=self.after)
        self.connect(self.flooding.texts, self.drain.texts, after=self.after)


@pytest.mark.parametrize("slots", [1, 2, 3])
@pytest.mark.parametrize("after", [1, 7, 1000])
def test_a_reader_that_has_stopped_blocks_nobody(after: int, slots: int) -> None:
    topology = Flood(after=after)
    alone = run(topology, workers=1, timeout=12)
    with watched():
        result = run_placed(topology, {"drain": 1}, timeout=12, slots=slots, inline_limit=TINY)
    assert result.fingerprint == alone.fingerprint
    assert result.state("drain") == alone.state("drain") == {"count": max(0, 13 - after)}


def test_a_stop_that_was_not_declared_is_refused() -> None:
    class Undeclared(Reactor):
        tick = Timer(0)

        @reaction(tick)
        def act(self) -> None:
            getattr(self, "request" + "_stop")()

    with pytest.raises(RunError, match=r"reaction act .*effects=\[shutdown\]"):
        run(Undeclared(), workers=1)


@pytest.mark.parametrize("timeout", [-1, 1.5, True, "1"])
def test_the_timeout_is_checked(timeout: Any) -> None:
    with pytest.raises(RunError, match=r"timeout: expected ns of logical time as an int of 0 or more"):
        run(Pair(), workers=1, timeout=timeout)


def test_a_reactor_without_reactions_ends_at_once() -> None:
    class Nothing(Reactor):
        pass

    result = run(Nothing(), workers=1)
    assert (result.tag, result.trace) == ((0, 1), [])
