"""Several workers in one process, each where a test wants it: what one knows of the others."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

import pytest

from rlreactor import Input, Output, Reactor, Timer, check, reaction, shutdown, state
from rlreactor.links.carrier import Meeting
from rlreactor.runtime import intake
from rlreactor.runtime.meeting import lay_out
from rlreactor.runtime.neighbourhood import Neighbourhood
from rlreactor.scheduler.binding import Binding
from rlreactor.scheduler.clock import FastClock
from rlreactor.scheduler.routes import Routes
from rlreactor.scheduler.scheduler import Scheduler
from rlreactor.tag import FOREVER

from ..placements import placed

STOP = (0, 1)
TIMEOUT = 1000
BEAT = (100, 0)


class Farewell(Reactor):
    out = Output(int)

    @reaction(shutdown, effects=[out])
    def end(self) -> None:
        self.out.set(1)


class Mourner(Reactor):
    first = Input(int)
    second = Input(int)

    @reaction(first, second)
    def hear(self) -> None:
        pass


class Funeral(Reactor):
    def compose(self) -> None:
        self.staying = Mourner()
        self.first = Farewell()
        self.second = Farewell()
        self.connect(self.first.out, self.staying.first)
        self.connect(self.second.out, self.staying.second)


WHERE = {"": 0, "staying": 0, "first": 1, "second": 2}


def joined(topology: Reactor, where: dict[str, int], meeting: Meeting, me: int) -> Neighbourhood:
    graph, plan = check(topology), placed(topology, where)
    links = Neighbourhood(meeting.open(me), Routes.of(graph, where, len(plan.workers)), me, spin=0)
    binding = Binding(
        graph, plan.workers[me].reactors, trace=False, fingerprint=False,
        storage=lambda path: links.storage(path, graph.ports[path].spec),
    )  # fmt: skip
    links.join(Scheduler(binding, FastClock(0), TIMEOUT, links))
    return links


@contextmanager
def met(make: Callable[[], Reactor], where: dict[str, int]) -> Generator[list[Neighbourhood]]:
    """Every worker with a topology of its own: they would share ports otherwise."""
    graph, plan = check(make()), placed(make(), where)
    meeting = lay_out(graph, plan, Routes.of(graph, where, len(plan.workers)))
    try:
        yield [joined(make(), where, meeting, me) for me in range(len(plan.workers))]
    finally:
        meeting.close()
        meeting.remove()


@pytest.fixture
def workers() -> Iterator[list[Neighbourhood]]:
    """Whom the two others tell, and these two."""
    with met(Funeral, WHERE) as three:
        yield three


def test_a_stop_makes_void_what_others_have_promised_before_they_hear_of_it(workers: list[Neighbourhood]) -> None:
    reader, first, second = workers
    for writer in (first, second):
        writer.outbox.say((FOREVER.time, 0, 0), FOREVER)  # nothing is left to happen
    first.intake.adopt_stop(STOP, dry=True)
    first.intake.pass_on_stop()
    reader.intake.receive()
    (gate,) = reader.gates
    known = reader.intake._frontiers.known_at
    assert not known(STOP, gate)
    first.outbox.say((0, 1, 9), FOREVER)
    reader.intake.receive()
    assert not known(STOP, gate)  # the second has not heard of it
    second.intake.receive()
    second.outbox.say((0, 1, 9), FOREVER)
    reader.intake.receive()
    assert known(STOP, gate)


class Ahead(Reactor):
    """Says more than anybody takes in who does not need it yet."""

    tick = Timer(0, 1)
    told = Output(int)

    @reaction(tick, effects=[told])
    def tell(self) -> None:
        self.told.set(self.tag.time)


class Neighbour(Reactor):
    beat = Timer(BEAT[0])
    heard = Input(int)
    early = Input(int)
    told = Output(int)
    count: int = state(0)

    @reaction(beat, heard, early, effects=[told])
    def tell(self) -> None:
        self.count += 1


class Crowd(Reactor):
    def compose(self) -> None:
        self.one = Neighbour()
        self.other = Neighbour()
        self.ahead = Ahead()
        self.connect(self.one.told, self.other.heard, after=0)
        self.connect(self.other.told, self.one.heard, after=0)
        self.connect(self.ahead.told, self.other.early, after=TIMEOUT // 2)


def test_who_hears_of_others_all_the_time_says_that_it_waits_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one has not read counts as due from now on: where they creep together, it must see that and read on."""
    monkeypatch.setattr(intake, "BACKLOG", 2)
    with met(Crowd, {"": 0, "one": 0, "other": 1, "ahead": 2}) as (one, other, ahead):
        for time in range(4):
            ahead._scheduler._process((time, 0))
        for worker in (one, other):
            worker.intake.receive()
            worker._scheduler._process((0, 0))
        ahead._scheduler.run()
        for worker in [one, other] * 20:
            worker.intake.receive()
            assert worker._scheduler.candidate() == BEAT
            worker.admission.look_around()
        for worker in (one, other):
            assert worker.admission.may_start(BEAT)
            assert worker.waiting.waits_for
            worker.before(worker._scheduler.candidate)
            assert not worker.waiting.waits_for
