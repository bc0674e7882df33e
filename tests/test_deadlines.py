"""Deadlines: who goes first, who inherits, when a handler runs. On clocks that only the reactions themselves move."""

from __future__ import annotations

from typing import Any

import pytest

from rlreactor import Input, Output, Reactor, Result, Timer, TopologyError, check, ms, reaction, sec, startup, state
from rlreactor.scheduler.binding import Binding
from rlreactor.scheduler.clock import VirtualClock
from rlreactor.scheduler.scheduler import Scheduler

from .placements import round_robin, run_placed

FAR = sec(3600)
"""A deadline that no machine misses."""

clock = VirtualClock()
order: list[str] = []


def ran(topology: Reactor, timeout: int) -> list[str]:
    """The reactions that ran on one worker, in their order, on a clock that starts at 0."""
    order.clear()
    clock.time = 0
    graph = check(topology)
    Scheduler(Binding(graph, graph.reactors), clock, timeout).run()
    return list(order)


def note(reactor: Reactor, what: str, takes: int = 0) -> None:
    order.append(f"{reactor.path} {what}".strip())
    clock.time += takes


# Order


class Source(Reactor):
    tick = Timer(0, ms(10))
    out = Output(int)

    @reaction(tick, effects=[out])
    def send(self) -> None:
        note(self, "")
        self.out.set(1)


class Step(Reactor):
    inp = Input(int)
    out = Output(int)

    @reaction(inp, effects=[out])
    def relay(self) -> None:
        note(self, "")
        self.out.set(self.inp.value + 1)


class Hurry(Reactor):
    """Has a deadline; the limits differ by class, since a deadline is part of the declaration."""

    inp = Input(int)

    def missed(self) -> None:
        note(self, "late")


class HurryA(Hurry):
    @reaction(Hurry.inp, deadline=FAR, late="missed")
    def act(self) -> None:
        note(self, "")


class HurryB(Hurry):
    @reaction(Hurry.inp, deadline=FAR - 1, late="missed")
    def act(self) -> None:
        note(self, "")


class Chains(Reactor):
    """Two chains of different length with a deadline at the end, and one without."""

    def compose(self) -> None:
        self.plain, self.plain_end = Source(), Step()
        self.a, self.a_end = Source(), HurryA()
        self.b, self.b_relay, self.b_end = Source(), Step(), HurryB()
        self.connect(self.plain.out, self.plain_end.inp)
        self.connect(self.a.out, self.a_end.inp)
        self.connect(self.b.out, self.b_relay.inp)
        self.connect(self.b_relay.out, self.b_end.inp)


def test_the_earliest_deadline_goes_first_with_all_that_it_waits_for() -> None:
    """`b_end` has the earliest deadline: its whole chain goes first, however long it is, then that of `a_end`."""
    tag = ["b", "b_relay", "b_end", "a", "a_end", "plain", "plain_end"]
    assert ran(Chains(), ms(10)) == tag * 2


class Delayed(Reactor):
    """A delay ends the inheritance: the source has done its part at another tag."""

    def compose(self) -> None:
        self.plain, self.source = Source(), Source()
        self.end = HurryA()
        self.connect(self.source.out, self.end.inp, after=ms(10))


def test_a_delayed_connection_inherits_nothing() -> None:
    assert ran(Delayed(), ms(10)) == ["plain", "source", "end", "plain", "source"]


class Inside(Reactor):
    """Reactions of one reactor keep their order: those before one with a deadline inherit it, later ones do not."""

    tick = Timer(0)

    @reaction(tick)
    def first(self) -> None:
        note(self, "first")

    @reaction(tick, deadline=FAR, late="missed")
    def second(self) -> None:
        note(self, "second")

    @reaction(tick)
    def third(self) -> None:
        note(self, "third")

    def missed(self) -> None:
        note(self, "late")


class Between(Reactor):
    def compose(self) -> None:
        self.plain, self.inside = Source(), Inside()


def test_reactions_of_one_reactor_keep_their_order() -> None:
    assert ran(Between(), 0) == ["inside first", "inside second", "plain", "inside third"]


class Caller(Reactor):
    """Its request and the reply are one chain at one tag, through another reactor and back."""

    tick = Timer(0)
    reply = Input(int)
    request = Output(int)

    @reaction(tick, effects=[request])
    def ask(self) -> None:
        note(self, "asks")
        self.request.set(1)

    @reaction(reply, deadline=FAR, late="missed")
    def use(self) -> None:
        note(self, "uses")

    def missed(self) -> None:
        note(self, "late")


class Calls(Reactor):
    def compose(self) -> None:
        self.plain, self.server, self.caller = Source(), Step(), Caller()
        self.connect(self.caller.request, self.server.inp)
        self.connect(self.server.out, self.caller.reply)


def test_a_request_and_its_reply_inherit() -> None:
    assert ran(Calls(), 0) == ["caller asks", "server", "caller uses", "plain"]


class Stamping(Reactor):
    """Sends its own lag, so that the trace tells in which order reactions of a worker ran."""

    tick = Timer(0)
    out = Output(int)
    lag_then = Output(int)

    @reaction(tick, effects=[out, lag_then])
    def send(self) -> None:
        self.lag_then.set(self.lag)
        self.out.set(1)


class StampingEnd(Reactor):
    inp = Input(int)
    lag_then = Output(int)

    @reaction(inp, effects=[lag_then], deadline=FAR, late="missed")
    def act(self) -> None:
        self.lag_then.set(self.lag)

    def missed(self) -> None:
        raise AssertionError


class Apart(Reactor):
    """`end` is on another worker than its source; on both there is something without a deadline too."""

    def compose(self) -> None:
        self.plain_here = Stamping()
        self.source = Stamping()
        self.plain_there = Stamping()
        self.end = StampingEnd()
        self.connect(self.source.out, self.end.inp)


def lags(result: Result) -> dict[str, int]:
    return {event.path.removesuffix(".lag_then"): event.value for event in result.trace if "lag" in event.path}


@pytest.mark.parametrize("fast", [True, False])
def test_upstream_reactions_on_another_worker_inherit(fast: bool) -> None:
    where = {"plain_here": 0, "source": 0, "plain_there": 1, "end": 1}
    found = lags(run_placed(Apart(), where, fast=fast))
    assert found["source"] < found["plain_here"]
    assert found["source"] < found["end"] < found["plain_there"]


# Lateness


class Busy(Reactor):
    """Takes `takes[n]` ns at its n-th tag, before the reaction with the deadline of 5 ms starts."""

    takes: list[int]
    tick = Timer(0, ms(10))
    said = Output(str)
    count: int = state(0)

    @reaction(tick)
    def work(self) -> None:
        clock.time += self.takes[self.count]
        self.count += 1

    @reaction(tick, effects=[said], deadline=ms(5), late="missed")
    def act(self) -> None:
        note(self, f"{self.count} on time at {self.lag}")

    def missed(self) -> None:
        note(self, f"{self.count} late by {self.lag - ms(5)}")
        self.said.set("the handler has the same access")


def test_it_is_late_only_when_the_wall_clock_is_beyond_the_deadline() -> None:
    """At the deadline is in time, 1 ns later is not; the fourth tag begins late, because the third took so long."""
    assert ran(Busy(takes=[ms(5), ms(5) + 1, ms(16), 0, 0]), ms(40)) == [
        f"1 on time at {ms(5)}",
        "2 late by 1",
        f"3 late by {ms(11)}",
        f"4 late by {ms(1)}",
        "5 on time at 0",
    ]


class Always(Reactor):
    inp = Input(int)
    out = Output(str)

    @reaction(startup, inp, effects=[out], deadline=0, late="missed")
    def act(self) -> None:
        raise AssertionError

    def missed(self) -> None:
        self.out.set("late")


class AlwaysLate(Reactor):
    def compose(self) -> None:
        self.source, self.end = PlainSource(), Always()
        self.connect(self.source.out, self.end.inp, after=1)


class PlainSource(Reactor):
    tick = Timer(0, 2)
    out = Output(int)

    @reaction(tick, effects=[out])
    def send(self) -> None:
        self.out.set(1)


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_deadline_of_zero_is_always_missed(fast: bool, workers: int) -> None:
    topology = AlwaysLate()
    result = run_placed(topology, round_robin(topology, workers), fast=fast, timeout=5)
    late = [(event.tag.time, event.value) for event in result.trace if event.path == "end.out"]
    assert late == [(0, "late"), (1, "late"), (3, "late"), (5, "late")]


# Mistakes


@pytest.mark.parametrize("deadline", [-1, 1.5, "soon", True])
def test_a_deadline_is_a_duration(deadline: Any) -> None:
    with pytest.raises(TopologyError) as caught:

        class Wrong(Reactor):  # pyright: ignore[reportUnusedClass]
            @reaction(startup, deadline=deadline, late="missed")
            def act(self) -> None: ...

            def missed(self) -> None: ...

    text = str(caught.value).replace(__file__, "FILE")
    assert text.startswith("reaction Wrong.act (FILE:")
    assert text.endswith(f"deadline: expected ns as an int of 0 or more (ms(5), sec(1)), received {deadline!r}")
