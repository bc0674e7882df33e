"""The loop while nothing unusual happens: which tags it takes, what it does at each; both forms do the same."""

from __future__ import annotations

import weakref
from types import SimpleNamespace
from typing import Any

import pytest

from rlreactor.access import Cell
from rlreactor.execution import Execution
from rlreactor.scheduler.queue import EventQueue
from rlreactor.tag import FOREVER, Delay, Point

from ..forms import FORMS, form_of

MODULE = "scheduler/steady"


class Worker:
    """A worker whose sequences are plain functions; `said` is everything that happened."""

    def __init__(self, form: str) -> None:
        steady = form_of(MODULE, form)
        said = self.said = list[Any]()

        class Loop(steady.SteadyLoop):  # type: ignore[misc,name-defined]
            def _hash(self) -> None:
                said.append(("hash", self.tags))
                self._unhashed = 0

        self.loop: Any = Loop()
        self.queue = EventQueue()
        self.execution = Execution()
        self.written: dict[object, Any] = {}
        self.passage: Any = None
        self.timer_type = steady.TimerTarget
        self.outflow_type: Any = steady.Outflow
        self.start_of = steady.start_of

    def outflow(self, **given: Any) -> Any:
        class Outflow(self.outflow_type):  # type: ignore[misc,name-defined]
            pass

        made = Outflow()
        for name, value in {"deliver_later": None, **given}.items():
            setattr(made, name, value)
        return made

    def run(self) -> bool:
        interrupted: bool = self.loop._run_steadily(self.queue, self.execution, self.written, self.passage)
        return interrupted

    def timer(self, name: str, period: int | None, first: int = 0) -> Any:
        timer = self.timer_type(name, (), period, self.queue)
        self.queue.push((first, 0), timer)
        self.written[timer] = lambda: self.said.append((name, self.execution.tag))
        return timer


def is_clear(tag: object) -> bool:
    return True


def not_clear(tag: object) -> bool:
    return False


def never() -> bool:
    return False


@pytest.fixture(params=FORMS)
def worker(request: pytest.FixtureRequest) -> Worker:
    return Worker(request.param)


def test_timers_come_again_up_to_the_bound(worker: Worker) -> None:
    worker.timer("a", 3)
    worker.timer("once", None, first=1)
    worker.loop._bound = (7, 0)
    assert not worker.run()
    assert worker.said == [("a", (0, 0)), ("once", (1, 0)), ("a", (3, 0)), ("a", (6, 0))]
    assert (worker.loop.last, worker.loop.tags, worker.queue.head) == ((6, 0), 4, (9, 0))


def test_several_events_have_a_sequence_of_their_own(worker: Worker) -> None:
    a, b = worker.timer("a", 2), worker.timer("b", 3)
    worker.written[a, b] = lambda: worker.said.append("both")
    worker.loop._bound = (7, 0)
    worker.run()
    assert worker.said == ["both", ("a", (2, 0)), ("b", (3, 0)), ("a", (4, 0))]
    assert worker.queue.head == (6, 0)  # from here on b comes first: no sequence is written for that
    assert worker.start_of(worker.queue.first) == (b, a)


@pytest.mark.parametrize("why", ["called", "not written", "refused", "not clear"])
def test_whatever_is_unusual_ends_it(worker: Worker, why: str) -> None:
    timer = worker.timer("a", 1)
    worker.loop._bound = (9, 0)
    if why == "called":
        worker.loop._called = True
    elif why == "not written":
        worker.written.clear()
    elif why == "refused":
        worker.written[timer] = None
    else:
        worker.passage = SimpleNamespace(clear=not_clear, approach=never, reacted=never, tag_done=never)
    assert not worker.run()
    assert (worker.said, worker.queue.head, worker.loop.tags) == ([], (0, 0), 0)


def test_a_call_ends_it_after_the_tag(worker: Worker) -> None:
    timer = worker.timer("a", 1)

    def call() -> None:
        worker.loop._called = True

    worker.written[timer] = call
    assert not worker.run()
    assert (worker.loop.tags, worker.queue.head) == (1, (1, 0))


def test_an_interruption_leaves_the_tag_unfinished(worker: Worker) -> None:
    timer = worker.timer("a", 1)
    worker.written[timer] = lambda: True
    assert worker.run()
    assert (worker.loop.tags, worker.loop.last) == (0, (0, -1))


def test_errors_go_through(worker: Worker) -> None:
    timer = worker.timer("a", 1)

    def fail() -> None:
        raise ValueError("no such luck")

    worker.written[timer] = fail
    with pytest.raises(ValueError, match="no such luck"):
        worker.run()
    assert worker.execution.tag == (0, 0)


def test_the_passage_is_asked_and_told(worker: Worker) -> None:
    worker.timer("a", 1)
    worker.loop._bound = (2, 0)

    def clear(tag: tuple[int, int]) -> bool:
        worker.said.append(("clear", tag))
        return True

    worker.passage = SimpleNamespace(
        clear=clear,
        approach=never,
        reacted=lambda: worker.said.append("reacted"),
        tag_done=lambda: worker.said.append("done"),
    )
    worker.run()
    tags = [[("clear", tag), ("a", tag), "reacted", "done"] for tag in ((0, 0), (1, 0))]
    assert worker.said == [*tags[0], *tags[1]]


@pytest.mark.parametrize("queued", [True, False])
def test_what_comes_meanwhile_comes_first(worker: Worker, queued: bool) -> None:
    """While a tag may not start yet, or nothing is queued, something earlier may come."""
    late, early, cleared = worker.timer("late", None, first=5), worker.timer("early", None, first=3), list[Any]()
    worker.queue.remove((3, 0), early)
    if not queued:
        worker.queue.remove((5, 0), late)
    worker.loop._bound = (9, 0)
    coming = [early]

    def clear(tag: tuple[int, int]) -> bool:
        cleared.append(tag)
        return tag == (3, 0)

    def approach() -> bool:
        worker.said.append("look")
        if coming:
            worker.queue.push((3, 0), coming.pop())
            return True
        return False

    worker.passage = SimpleNamespace(clear=clear, approach=approach, reacted=never, tag_done=lambda: None)
    assert not worker.run()
    assert worker.said == ["look", ("early", (3, 0)), "look"]
    assert cleared == ([(5, 0), (3, 0), (5, 0)] if queued else [(3, 0)])
    assert worker.loop.tags == 1


def test_values_are_let_go_before_the_others_are_told(worker: Worker) -> None:
    class Value:
        pass

    class Target:
        def fire(self, stored: Value, execution: Execution) -> None:
            pass

    value, target = Value(), Target()
    watch = weakref.ref(value)
    worker.queue.push((0, 0), target, value)  # type: ignore[arg-type]
    worker.written[target] = lambda: None
    del value
    worker.passage = SimpleNamespace(
        clear=is_clear, approach=never, reacted=never, tag_done=lambda: worker.said.append(watch())
    )
    worker.run()
    assert worker.said == [None]


def test_what_was_set_is_delivered_then_the_others_are_told_then_it_is_recorded(worker: Worker) -> None:
    said = worker.said
    worker.passage = SimpleNamespace(
        clear=is_clear, approach=never, reacted=never, tag_done=lambda: said.append("the others go on")
    )

    def deliver_later(outlet: Any, tag: object) -> None:
        said.append(("later", tag, outlet.name))

    def hash_bytes(given: object) -> None:
        said.append(("hashed", given))

    def record(tag: object, value: object) -> None:
        said.append(("recorded", tag, value))

    timer = worker.timer("a", 1)
    cells = [Cell() for _ in range(4)]
    usual: dict[str, Any] = {"unhashed": None, "hash_bytes": None, "record": None, "delayed": (), "storage": None}
    stored = SimpleNamespace(stored=b"bytes")
    outlets: list[dict[str, Any]] = [
        {**usual, "unhashed": said},
        {**usual, "unhashed": said, "hash_bytes": hash_bytes, "storage": stored},
        {**usual, "record": record},
        {**usual, "delayed": ("x",), "deliver_later": deliver_later, "name": "late"},
    ]
    for number, (cell, outlet) in enumerate(zip(cells, outlets, strict=True)):
        cell.value, cell.outlet = number, worker.outflow(**outlet)
    bare = Cell()

    def run() -> None:
        for cell in (*cells, bare):
            cell.assign(cell.value, worker.execution)

    worker.written[timer] = run
    worker.loop._bound = (1, 0)
    worker.run()
    recorded = [(0, 0), 0, (0, 0), ("hashed", b"bytes"), ("recorded", (0, 0), 2)]
    assert said == [("later", (0, 0), "late"), "the others go on", *recorded]
    assert worker.execution.present == []
    assert not any(cell.present for cell in (*cells, bare))


@pytest.mark.parametrize(
    ("delay", "arrival"), [(Delay(0, 2), (4, 3)), (Delay(5, 1), (9, 1)), (Delay(5, 0, "a.clock"), None)]
)
def test_a_value_arrives_a_delay_later(worker: Worker, delay: Delay, arrival: Point | None) -> None:
    """Where a clock has a say the scheduler is asked; elsewhere the loop may know better."""
    timer, cell = worker.timer("a", None), Cell()
    worker.queue.pop((0, 0))
    worker.queue.push((4, 1), timer)

    def deliver_later(outlet: Any, tag: Point) -> None:
        if delay.physical:
            worker.said.append((outlet is cell.outlet, tag))
        else:
            worker.queue.push(delay.added_to(tag), target, cell.value)

    target: Any = "group"
    usual: dict[str, Any] = {"unhashed": None, "hash_bytes": None, "record": None, "storage": None}
    cell.outlet = worker.outflow(**usual, delayed=((delay, target),), deliver_later=deliver_later)
    worker.written[timer] = lambda: cell.assign("value", worker.execution)
    worker.loop._bound = (4, 2)
    worker.run()
    expected: list[Any] = [] if arrival is None else [(arrival, target, "value")]
    assert worker.queue.events() == expected
    assert worker.said == ([(True, (4, 1))] if arrival is None else [])


def test_recorders_are_emptied_now_and_then(worker: Worker) -> None:
    timer = worker.timer("a", 1)
    worker.written[timer] = lambda: None
    worker.loop._bound = (3000, 0)
    worker.run()
    assert worker.said == [("hash", 1024), ("hash", 2048)]
    assert worker.loop._unhashed == 3000 - 2048


def test_nothing_queued_is_nothing_to_do(worker: Worker) -> None:
    worker.loop._bound = FOREVER
    assert not worker.run()
    assert worker.queue.head is FOREVER
