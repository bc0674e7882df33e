"""Events from outside: physical actions and physical connections. Times of the wall clock are never compared."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from rlreactor import (
    Input,
    Output,
    PhysicalAction,
    Reactor,
    RunError,
    SpecError,
    Timer,
    TopologyError,
    check,
    ms,
    reaction,
    run,
    shutdown,
    startup,
    state,
)
from rlreactor.runtime.neighbourhood import Neighbourhood
from rlreactor.scheduler.scheduler import Scheduler

from .placements import round_robin, run_placed
from .watchdog import watched


class Feed(Reactor):
    """A thread sends 0, 1, 2, ...; `own` more come from the startup reaction itself."""

    count: int = 20
    own: int = 0
    min_delay: int = 0
    event = PhysicalAction(int, min_delay="min_delay")
    out = Output(int)

    @reaction(startup, effects=[event])
    def begin(self) -> None:
        for number in range(self.own):
            self.event.schedule(number)
        threading.Thread(target=self.feed).start()

    def feed(self) -> None:
        for number in range(self.own, self.count):
            self.event.schedule(number)

    @reaction(event, effects=[out, shutdown])
    def take(self) -> None:
        self.out.set(self.event.value)
        if self.event.value == self.count - 1:
            self.request_stop()


class Relay(Reactor):
    inp = Input(int)
    out = Output(int)

    @reaction(inp, effects=[out])
    def relay(self) -> None:
        self.out.set(self.inp.value)


class Line(Reactor):
    count: int = 20
    own: int = 0
    min_delay: int = 0

    def compose(self) -> None:
        self.feed = Feed(count=self.count, own=self.own, min_delay=self.min_delay)
        self.near = Relay()
        self.far = Relay()
        self.connect(self.feed.out, self.near.inp)
        self.connect(self.near.out, self.far.inp)


def of(trace: list[Any], path: str) -> list[Any]:
    return [event for event in trace if event.path == path]


@pytest.mark.parametrize("own", [0, 5])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_every_call_gets_a_tag_of_its_own_and_they_increase(workers: int, own: int) -> None:
    topology = Line(own=own)
    with watched():
        result = run_placed(topology, round_robin(topology, workers), fast=False)
    sent = of(result.trace, "feed.out")
    assert [event.value for event in sent] == list(range(20))
    tags = [event.tag for event in sent]
    assert tags == sorted(set(tags))
    assert all(tag.microstep == 0 for tag in tags)
    assert len({tag.time for tag in tags}) == len(tags)
    for path in ("near.out", "far.out"):
        assert [(event.tag, event.value) for event in of(result.trace, path)] == [(e.tag, e.value) for e in sent]
    assert result.tag == (tags[-1].time, 1)


def test_the_tag_is_not_before_the_wall_clock_plus_the_delay() -> None:
    with watched():
        result = run(Feed(count=3, min_delay=ms(20)), fast=False, trace=True)
    assert all(event.tag.time >= ms(20) for event in result.trace)


class Waiting(Reactor):
    """Its one event comes long after there was nothing left to do: the thread waits for the scheduler's sleep."""

    event = PhysicalAction(int)
    beat = Timer(0, ms(2))
    done = Output(int)
    beats: int = state(0)
    ready: Any = state()

    @reaction(startup)
    def begin(self) -> None:
        self.ready = threading.Event()
        threading.Thread(target=self.wait).start()

    def wait(self) -> None:
        self.ready.wait()
        self.event.schedule(7)

    @reaction(beat)
    def count(self) -> None:
        self.beats += 1
        if self.beats == 5:
            self.ready.set()

    @reaction(event, effects=[done, shutdown])
    def stop(self) -> None:
        self.done.set(self.event.value)
        self.request_stop()


class Silent(Reactor):
    """Nothing ever comes."""

    event: PhysicalAction[None] = PhysicalAction()
    ended = Output(bool)

    @reaction(event)
    def take(self) -> None:
        raise AssertionError

    @reaction(shutdown, effects=[ended])
    def end(self) -> None:
        self.ended.set(True)


class Pair(Reactor):
    def compose(self) -> None:
        self.silent = Silent()
        self.waiting = Waiting()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_program_goes_on_until_it_is_stopped(workers: int) -> None:
    topology = Pair()
    with watched():
        result = run_placed(topology, round_robin(topology, workers), fast=False)
    [done] = of(result.trace, "waiting.done")
    assert done.value == 7
    assert done.tag.time > ms(8)
    [ended] = of(result.trace, "silent.ended")
    assert ended.tag == result.tag == (done.tag.time, 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_timeout_ends_a_program_to_which_nothing_comes(workers: int) -> None:
    class Two(Reactor):
        def compose(self) -> None:
            self.one, self.other = Silent(), Silent()

    with watched():
        result = run_placed(Two(), round_robin(Two(), workers), fast=False, timeout=ms(30))
    assert [(event.tag, event.path) for event in result.trace] == [
        ((ms(30), 0), "one.ended"),
        ((ms(30), 0), "other.ended"),
    ]


class Crossing(Reactor):
    """A physical connection between two workers."""

    after: int | None = None

    def compose(self) -> None:
        self.ticking = Ticking()
        self.near = Relay()
        self.far = Last()
        self.connect(self.ticking.out, self.near.inp)
        self.connect(self.ticking.out, self.far.inp, after=self.after, physical=True)


class Ticking(Reactor):
    tick = Timer(0, ms(3))
    out = Output(int)
    count: int = state(0)

    @reaction(tick, effects=[out])
    def send(self) -> None:
        self.count += 1
        self.out.set(self.count)


class Last(Reactor):
    inp = Input(int)
    out = Output(int)

    @reaction(inp, effects=[out, shutdown])
    def take(self) -> None:
        self.out.set(self.inp.value)
        if self.inp.value == 5:
            self.request_stop()


@pytest.mark.parametrize("after", [None, ms(2)])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_physical_connection_takes_its_tag_from_the_clock_of_the_receiver(workers: int, after: int | None) -> None:
    topology = Crossing(after=after)
    with watched():
        result = run_placed(topology, round_robin(topology, workers), fast=False)
    sent, got = of(result.trace, "ticking.out"), of(result.trace, "far.out")
    assert [event.value for event in got] == [1, 2, 3, 4, 5]
    for before, now in zip(sent, got, strict=False):
        assert now.tag.time >= before.tag.time + (after or 0)
    assert [e.tag for e in got] == sorted({e.tag for e in got})
    assert [e.tag for e in of(result.trace, "near.out")] == [e.tag for e in sent]


@pytest.mark.parametrize("workers", [1, 2])
def test_what_would_arrive_after_the_timeout_is_dropped(workers: int) -> None:
    topology = Crossing(after=ms(100))
    with watched():
        result = run_placed(topology, round_robin(topology, workers), fast=False, timeout=ms(20))
    assert of(result.trace, "far.out") == []
    assert [event.value for event in of(result.trace, "near.out")] == [1, 2, 3, 4, 5, 6, 7]


# Mistakes


class Crossings(Reactor):
    """One value over a physical connection, and somebody with nothing to do."""

    def compose(self) -> None:
        self.once, self.last, self.idle = Once(), Relay(), Relay()
        self.connect(self.once.out, self.last.inp, physical=True)


class Once(Reactor):
    out = Output(int)

    @reaction(startup, effects=[out])
    def send(self) -> None:
        self.out.set(7)


def slowed(method: Any) -> Any:
    """Gives the other workers time to look at this one just before it does something."""

    def slow(*arguments: Any) -> Any:
        time.sleep(0.002)
        return method(*arguments)

    return slow


@pytest.mark.parametrize("where", [{"idle": 1}, {"last": 1}, {"last": 1, "idle": 2}])
@pytest.mark.parametrize(("owner", "name"), [(Scheduler, "take_in"), (Neighbourhood, "before")])
def test_a_program_with_a_physical_event_under_way_has_not_run_dry(
    where: dict[str, int], owner: type, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, slowed(getattr(owner, name)))
    for _ in range(10):
        with watched():
            result = run_placed(Crossings(), where, fast=False)
        assert [event.value for event in result.trace] == [7, 7]


def test_fast_mode_refuses_physical_actions_and_connections() -> None:
    for topology, what in ((Line(), r"physical action feed\.event"), (Crossing(), r"connect at .*physical=True")):
        with pytest.raises(TopologyError, match=what) as caught:
            check(topology, fast=True)
        assert "fast mode (the default) has none; run with fast=False" in str(caught.value)
        assert "test_physical.py:" in str(caught.value)
        with pytest.raises(TopologyError):
            run(topology)
        check(topology)


def test_a_physical_action_is_scheduled_only_while_its_topology_runs() -> None:
    with pytest.raises(RunError, match="event: a physical action can be scheduled only while its topology runs"):
        Feed().event.schedule(1)


class Leftover(Reactor):
    """Keeps itself, so that somebody can call it when the run is over."""

    event = PhysicalAction(int)
    got: int = state(0)

    @reaction(startup, effects=[shutdown])
    def begin(self) -> None:
        KEPT.append(self)
        self.request_stop()

    @reaction(event)
    def take(self) -> None:
        self.got += 1


KEPT: list[Leftover] = []


def test_what_a_thread_schedules_after_the_stop_does_not_happen() -> None:
    with watched():
        run(Leftover(), fast=False)
    left = KEPT.pop()
    left.event.schedule(1)
    assert left.got == 0


class Wrong(Reactor):
    what: str
    event = PhysicalAction(int)

    @reaction(startup)
    def begin(self) -> None:
        match self.what:
            case "undeclared":
                self.event.schedule(1)
            case "delay":
                threading.Thread(target=self.wrong_delay).start()
            case _:
                threading.Thread(target=self.wrong_value).start()

    def wrong_delay(self) -> None:
        try:
            self.event.schedule(1, delay=-1)
        except SpecError as error:
            FOUND.append(str(error))
        self.event.schedule(1)

    def wrong_value(self) -> None:
        try:
            self.event.schedule("one")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        except SpecError as error:
            FOUND.append(str(error))
        self.event.schedule(1)

    @reaction(event, effects=[shutdown])
    def end(self) -> None:
        self.request_stop()


FOUND: list[str] = []


@pytest.mark.parametrize(
    ("what", "message"), [("delay", "expected a delay of 0 ns or more, received -1"), ("value", "event (")]
)
def test_a_thread_is_told_what_is_wrong(what: str, message: str) -> None:
    FOUND.clear()
    with watched():
        run(Wrong(what=what), fast=False)
    assert len(FOUND) == 1
    assert message in FOUND[0]


def test_a_reaction_declares_the_physical_actions_that_it_schedules() -> None:
    with pytest.raises(RunError) as caught:
        run(Wrong(what="undeclared"), fast=False, timeout=ms(1))
    assert "reaction begin schedules event at (0 ns, 0) without having declared it; add it to effects" in str(
        caught.value
    )
