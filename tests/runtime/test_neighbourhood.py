"""Several workers in one process, each where a test wants it: what one knows of the others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rlreactor import Input, Output, Reactor, check, reaction, shutdown
from rlreactor.links.carrier import Meeting
from rlreactor.planner.plan import Plan
from rlreactor.runtime.meeting import lay_out
from rlreactor.runtime.neighbourhood import Neighbourhood
from rlreactor.scheduler.binding import Binding
from rlreactor.scheduler.clock import FastClock
from rlreactor.scheduler.routes import Routes
from rlreactor.scheduler.scheduler import Scheduler
from rlreactor.tag import FOREVER

from ..placements import placed

STOP = (0, 1)


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


def joined(meeting: Meeting, me: int, plan: Plan) -> Neighbourhood:
    graph = check(Funeral())  # each its own: they would share their ports otherwise
    links = Neighbourhood(meeting.open(me), Routes.of(graph, WHERE, len(plan.workers)), me, spin=0)
    binding = Binding(graph, plan.workers[me].reactors, trace=False, fingerprint=False, storage=None)
    links.join(Scheduler(binding, FastClock(0), None, links))
    return links


@pytest.fixture
def workers() -> Iterator[list[Neighbourhood]]:
    """Whom the two others tell, and these two."""
    graph, plan = check(Funeral()), placed(Funeral(), WHERE)
    meeting = lay_out(graph, plan, Routes.of(graph, WHERE, len(plan.workers)))
    try:
        yield [joined(meeting, me, plan) for me in range(len(plan.workers))]
    finally:
        meeting.close()
        meeting.remove()


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
