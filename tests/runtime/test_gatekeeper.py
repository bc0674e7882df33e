"""What is asked and told at every tag: what of it a gatekeeper does itself, and what it leaves to the neighbourhood."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

import pytest

from bench.contestants.rlreactor_round_trip import FORMS, one_core
from rlreactor import TICK, run
from rlreactor.links import wire
from rlreactor.runtime import gatekeeper
from rlreactor.runtime.arrivals import NEWS, NOTHING, UNUSUAL
from rlreactor.runtime.gatekeeper import Gatekeeper
from rlreactor.runtime.post import Post
from rlreactor.runtime.rest import Rest
from rlreactor.scheduler.edges import Edges, InEdge
from rlreactor.tag import FOREVER, Point

from .short_way import CAPACITY, LATER, PORT, RANK, ROUTE, Pair, carrying, entry, holding, rings, sent, short_way

pytestmark = pytest.mark.skipif(not gatekeeper.IS_OPEN, reason="it is not compiled: `make engine`")

TIMEOUT, RANKS, MOST = (100, 0), 9, 4


class Neighbourhood:
    """Notes what is left to it."""

    def __init__(self) -> None:
        self.said: list[Any] = []
        self.allows_more = False
        self.announced: list[int | None] = []
        self.answers: list[int] = []
        self.meanwhile: Callable[[], object] = bool

    def announce(self) -> int:
        return self.announce_at(None)

    def announce_at(self, rank: int | None) -> int:
        self.announced.append(rank)
        self.meanwhile()
        return self.answers.pop(0) if self.answers else UNUSUAL

    def go_on(self) -> None:
        self.said.append("go_on")

    def look_around(self) -> bool:
        self.said.append("look_around")
        return self.allows_more

    def at_gate(self, rank: int) -> bool:
        self.said.append(("at_gate", rank))
        return True

    def end_tag(self, sent: bool) -> None:
        self.said.append(("end_tag", sent))

    def send_rest(self, rank: int) -> None:
        self.said.append(("send_rest", rank))

    def give_slots_back(self) -> None:
        self.said.append("give_slots_back")


class Worker:
    """Worker 0 of a pair, which reads, with whatever post."""

    def __init__(self, pair: Pair, post: Post, position: Any) -> None:
        self.left = left = Neighbourhood()
        self.slots = list[Any]()
        anything: Any = left
        arrivals, horizon = pair.arrivals, pair.horizon
        board, bell = pair.boards[0], pair.bells[0]
        cells, self.asleep = board.asleep(0)
        self.cells = cells
        watched = (board.watched(1, news=True, wishes=False),)
        self.rest = rest = Rest(watched, cells[self.asleep : self.asleep + 1], bell.fd, arrivals, 1)
        ways = self.slots, post, arrivals, rest, horizon, position
        given = anything, anything, anything, anything, *ways, TIMEOUT, RANKS
        self.keeper = Gatekeeper(*given, 1, False, MOST, 3)
        self.polite = Gatekeeper(*given, 2, True, MOST, 3)
        self.patient = Gatekeeper(*given, 1 << 40, False, MOST, 3)


@pytest.fixture
def pair() -> Iterator[Pair]:
    with short_way() as pair:
        pair.position.execution.tag = (4, 0)
        yield pair


@pytest.fixture
def reader(pair: Pair) -> Worker:
    """Worker 0: nobody reads from it."""
    own = pair.boards[0].own_words()
    return Worker(pair, Post({}, {}, (), own, pair.horizon, pair.position), pair.position)


@pytest.fixture
def writer(pair: Pair) -> Worker:
    """Worker 1: whatever it hears, it sends to worker 0."""
    return Worker(pair, pair.post, pair.writing)


# Gates


def test_a_message_opens_the_gate(pair: Pair, reader: Worker) -> None:
    sent(pair, wire.head((4, 0), 6), entry(PORT, 1, 2))
    assert reader.keeper.at_gate(RANK)
    assert pair.cells[PORT].value.tolist() == [1, 2]
    assert reader.polite.at_gate(RANK)  # it is open
    assert reader.left.said == []


def test_a_promise_opens_the_gate(pair: Pair, reader: Worker) -> None:
    pair.boards[1].publish(((4, 0, 4), (4, 0), (3, 0), 0))
    assert reader.keeper.at_gate(RANK)
    assert reader.left.said == []


@pytest.mark.parametrize(
    "why", ["nothing comes", "nothing comes in turn", "a stop", "a snapshot is taken", "another rank"]
)
def test_what_takes_longer_is_left_to_the_neighbourhood(pair: Pair, reader: Worker, why: str) -> None:
    if why == "a stop":
        sent(pair, wire.head((4, 0)), wire.inline(wire.STOP, b""))
    if why == "a snapshot is taken":
        pair.arrivals.is_usual = False
        sent(pair, wire.head((4, 0), 6), entry(PORT, 1, 2))
    keeper = reader.polite if why == "nothing comes in turn" else reader.keeper
    rank = RANK + (why == "another rank")
    assert keeper.at_gate(rank)
    assert reader.left.said == [("at_gate", rank)]


def test_who_is_told_to_stop_passes_no_gate_that_was_closed(pair: Pair, reader: Worker) -> None:
    reader.keeper.interrupted = True
    sent(pair, wire.head((4, 0), 6), entry(PORT, 1, 2))
    assert not reader.keeper.at_gate(RANK)
    assert reader.left.said == []


def test_time_spent_looking_is_counted(reader: Worker) -> None:
    for keeper in (reader.keeper, reader.polite):
        assert keeper.waited_ns == 0
        keeper.at_gate(RANK)
        assert keeper.waited_ns > 0


# A wait that is longer than a moment


def answers(worker: Worker, *given: int) -> None:
    worker.left.answers = list(given)


def ring_when_asleep(pair: Pair, reader: Worker) -> threading.Thread:
    """Send what opens the gate once the reader sleeps, and ring."""

    def send() -> None:
        while not reader.cells[reader.asleep]:
            os.sched_yield()
        sent(pair, wire.head((4, 0), 6), entry(PORT, 1, 2))
        pair.bells[0].ring()

    thread = threading.Thread(target=send)
    thread.start()
    return thread


@pytest.mark.parametrize("of", ["a gate", "a tag"])
def test_who_waits_tells_everybody_and_sleeps_until_it_is_rung(pair: Pair, reader: Worker, of: str) -> None:
    assert reader.keeper.approach()  # the first status
    answers(reader, NOTHING)
    ringing = ring_when_asleep(pair, reader)
    if of == "a gate":
        assert reader.keeper.at_gate(RANK)
    else:
        assert reader.keeper.approach()
        assert reader.left.said == []
        assert reader.keeper.clear((4, 0))
    ringing.join()
    assert reader.left.announced == [RANK if of == "a gate" else None]
    assert reader.left.said == ["go_on"]
    assert reader.rest.sleeps == 1
    assert reader.cells[reader.asleep] == 0


def test_what_comes_while_it_tells_that_it_waits_lets_it_go_on_at_once(pair: Pair, reader: Worker) -> None:
    answers(reader, NOTHING)
    reader.left.meanwhile = lambda: sent(pair, wire.head((4, 0), 6), entry(PORT, 1, 2))
    assert reader.keeper.at_gate(RANK)
    assert (reader.left.announced, reader.left.said) == ([RANK], ["go_on"])
    assert reader.rest.sleeps == 0


def test_what_others_said_meanwhile_ends_the_rest_too(pair: Pair, reader: Worker) -> None:
    answers(reader, NOTHING)
    reader.left.meanwhile = pair.boards[1].tell_idle
    assert reader.keeper.at_gate(RANK)  # which the neighbourhood looks into
    assert (reader.left.announced, reader.left.said) == ([RANK, RANK], [("at_gate", RANK)])
    assert reader.rest.sleeps == 0


def test_who_is_to_look_again_does_not_rest(pair: Pair, reader: Worker) -> None:
    answers(reader, NEWS, NEWS)
    assert reader.keeper.at_gate(RANK)
    assert (reader.left.announced, reader.left.said) == ([RANK] * 3, [("at_gate", RANK)])
    assert reader.rest.sleeps == 0


def test_a_wait_that_lasts_is_left_to_the_neighbourhood(pair: Pair, reader: Worker) -> None:
    assert reader.keeper.approach()
    answers(reader, NOTHING, NOTHING)
    assert reader.keeper.at_gate(RANK)
    assert reader.left.said == [("at_gate", RANK)]
    assert not reader.keeper.approach()
    assert reader.left.announced == [RANK, None]
    assert reader.rest.sleeps == 2


@contextmanager
def chattering(pair: Pair) -> Generator[int]:
    """Another process promises microstep after microstep until it is ended; in the end the tag itself."""
    other = os.fork()
    if not other:
        for microstep in range(1_000_000):
            pair.boards[1].publish(((3, microstep, 0), (4, 0), (3, 0), 0))
        pair.boards[1].publish(((4, 0, 4), (4, 0), (3, 0), 0))
        os._exit(0)
    try:
        yield other
    finally:
        with suppress(ProcessLookupError):
            os.kill(other, signal.SIGKILL)
        os.waitpid(other, 0)


def test_who_hears_of_others_all_the_time_says_that_it_waits(pair: Pair, reader: Worker) -> None:
    with chattering(pair) as other:

        def end() -> None:
            os.kill(other, signal.SIGSTOP)
            pair.boards[1].publish(((4, 0, 4), (4, 0), (3, 0), 0))

        answers(reader, NOTHING)
        reader.left.meanwhile = end
        assert reader.patient.at_gate(RANK)
    assert (reader.left.announced, reader.left.said) == ([RANK], ["go_on"])
    assert reader.rest.sleeps == 0


def test_who_is_interrupted_does_not_rest(pair: Pair, reader: Worker) -> None:
    def interrupt() -> None:
        reader.keeper.interrupted = True

    answers(reader, NOTHING)
    reader.left.meanwhile = interrupt
    assert reader.keeper.at_gate(RANK)
    assert reader.left.said == [("at_gate", RANK)]
    assert reader.rest.sleeps == 0


@pytest.mark.parametrize("looks", [0, 1 << 40], ids=["asleep", "looking"])
def test_a_signal_is_handled_at_once(pair: Pair, reader: Worker, looks: int) -> None:
    class Alarm(Exception):
        pass

    def ring(*_: object) -> None:
        raise Alarm

    assert reader.keeper.approach()  # the first status
    asleep = reader.cells[reader.asleep : reader.asleep + 1]
    rest = Rest((), asleep, pair.bells[0].fd, pair.arrivals, looks)
    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        with pytest.raises(Alarm):
            rest.until_news()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert reader.cells[reader.asleep] == 0


def test_only_words_can_be_watched(pair: Pair, reader: Worker) -> None:
    nothing: Any = 7
    with pytest.raises(TypeError, match="expected words, received 7"):
        Rest((nothing,), reader.cells[reader.asleep : reader.asleep + 1], 0, pair.arrivals, 1)


@pytest.mark.parametrize("form", ["one tag", "a tag a hop"])
def test_who_shares_a_core_lets_the_other_have_it_and_does_not_sleep(form: str) -> None:
    """Each of so many round trips would else take two sleeps."""
    trips = 2000
    topology, ticks = FORMS[form]
    plan = one_core(topology())
    before = getrusage(RUSAGE_CHILDREN).ru_nvcsw
    result = run(topology(), plan=plan, timeout=trips * ticks * TICK)
    assert len(result.state("asker")["taken_ns"]) >= trips
    assert getrusage(RUSAGE_CHILDREN).ru_nvcsw - before < trips


# Before a tag


@pytest.mark.parametrize(("tag", "clear"), [((4, 0), True), ((8, 0), True), ((8, 1), False), (TIMEOUT, False)])
def test_a_tag_is_clear_up_to_what_was_promised(pair: Pair, reader: Worker, tag: Point, clear: bool) -> None:
    pair.position.in_tag = False
    assert not reader.keeper.clear((4, 0))
    promised = (FOREVER.time, 0, 0) if tag == TIMEOUT else (8, 0, 0)
    pair.boards[1].publish((promised, (8, 0), (7, 0), 0))
    assert reader.keeper.approach()
    assert not pair.position.in_tag
    assert reader.keeper.clear(tag) is clear
    assert pair.position.in_tag is clear


def test_what_comes_is_queued_before_a_tag(pair: Pair, reader: Worker) -> None:
    assert reader.keeper.approach()  # the first status
    assert not reader.keeper.approach()
    sent(pair, wire.head((4, 0), 6), entry(PORT, 1, 2), entry(LATER, 3, 4))
    assert reader.keeper.approach()
    assert [tag for tag, _, _ in pair.position.queue.events()] == [(4, 0), (14, 0)]
    assert not reader.keeper.approach()


@pytest.mark.parametrize("why", ["a call", "an event from outside", "interrupted", "unusual"])
def test_nothing_is_nearer_when_the_scheduler_is_wanted(pair: Pair, reader: Worker, why: str) -> None:
    sent(pair, wire.head((4, 0), 6), entry(PORT, 1, 2))
    if why == "a call":
        pair.position.scheduler._called = True
    elif why == "an event from outside":
        pair.position.inbox.waiting = True
    elif why == "interrupted":
        reader.keeper.interrupted = True
    else:
        sent(pair, b"short")
    assert not reader.keeper.approach()


def test_what_is_heard_is_passed_on_before_the_tag(pair: Pair, writer: Worker) -> None:
    pair.writing.scheduler._bound = (9, 0)
    pair.writing.queue.push((12, 0), None)
    assert writer.keeper.approach()
    assert pair.boards[0].read(1)[1].frontier == (9, 0, 0)  # it would process its bound next


def creep(pair: Pair, reader: Worker, times: int) -> list[bool]:
    """The other worker promises that nothing comes before the next microstep, again and again."""
    nearer: list[bool] = []
    for microstep in range(times):
        pair.boards[1].publish(((4, microstep + 1, 0), (4, 0), (3, 0), 0))
        nearer.append(reader.keeper.approach())
    return nearer


def test_where_promises_only_creep_everybody_is_looked_at(pair: Pair, reader: Worker) -> None:
    assert creep(pair, reader, MOST - 1) == [True] * (MOST - 1)
    assert reader.left.said == []
    assert creep(pair, reader, MOST + 1) == [True] * (MOST + 1)
    assert reader.left.said == ["look_around"] * 2


def test_who_has_looked_at_everybody_waits_until_the_next_tag(pair: Pair, reader: Worker) -> None:
    creep(pair, reader, MOST)
    assert not reader.keeper.clear((5, 0))
    assert reader.left.said == ["look_around"]
    for _ in range(2):
        assert reader.keeper.clear((4, 0))
        assert reader.left.said == ["look_around", "go_on"]


def test_who_went_on_by_such_a_look_looks_at_once_the_next_time(pair: Pair, reader: Worker) -> None:
    reader.left.allows_more = True
    creep(pair, reader, MOST)
    assert reader.left.said == ["look_around"]
    assert reader.keeper.approach()  # though nothing comes
    reader.left.allows_more = False
    assert not reader.keeper.approach()
    assert not reader.keeper.approach()
    assert reader.left.said == ["look_around"] * 3


def queued(pair: Pair, first: int) -> int:
    """How many messages wait for their tag, after eight were sent."""
    pair.boards[1].publish(((50, 0, 0), (50, 0), (49, 0), 0))
    for time in range(first, first + 8):
        sent(pair, wire.head((time, 0), 6), entry(PORT, time, time))
    return len(pair.position.queue.events())


def test_a_few_are_taken_in_before_a_tag_and_all_where_that_is_not_enough(pair: Pair, reader: Worker) -> None:
    assert queued(pair, 4) == 0
    assert reader.keeper.approach()
    assert (len(pair.position.queue.events()), pair.horizon.known) == (4, (7, 1))
    assert reader.keeper.approach()
    assert (len(pair.position.queue.events()), pair.horizon.known) == (8, (50, 0))
    assert not pair.reader.waiting()


def test_who_has_enough_takes_in_one_before_each_tag(pair: Pair, reader: Worker) -> None:
    queued(pair, 4)
    pair.tally.backlog[1] = 50
    for waiting in range(1, 8):
        assert reader.keeper.approach()
        assert len(pair.position.queue.events()) == waiting
        assert reader.keeper.clear((4, 0))


def test_a_few_are_enough_for_a_gate(pair: Pair, reader: Worker) -> None:
    queued(pair, 5)
    assert reader.keeper.at_gate(RANK)
    assert len(pair.position.queue.events()) == 4
    assert pair.reader.waiting()


# Within a tag and after it


def test_what_waits_is_sent_and_else_said(pair: Pair, writer: Worker) -> None:
    for rank in (3, 4):  # the second tells nobody anything
        writer.keeper.done(rank)
        assert (pair.boards[0].read(1)[1].frontier, pair.reader.read()) == ((4, 0, 4), [])
    pair.post.add(carrying(1, 2))
    writer.keeper.done(4)
    assert [wire.parse(notice)[:2] for notice in pair.reader.read()] == [((4, 0), 5)]


def test_what_is_left_goes_the_long_way(pair: Pair, writer: Worker) -> None:
    pair.post.add(holding(bytes(CAPACITY // 4)))
    writer.keeper.done(4)
    writer.keeper.tag_done()
    assert writer.left.said == [("send_rest", 5), ("send_rest", RANKS)]


def test_the_end_of_a_tag_sends_and_promises(pair: Pair, writer: Worker) -> None:
    pair.post.add(carrying(1, 2))
    pair.writing.queue.push((12, 0), None)
    writer.keeper.tag_done()
    assert pair.cells[PORT].value.tolist() == [1, 2]  # here it hears itself
    assert pair.boards[0].read(1)[1] == ((12, 0, 0), (12, 0), (4, 0), 0)
    assert (pair.writing.in_tag, pair.writing.last, writer.left.said) == (False, (4, 0), [])


@pytest.mark.parametrize("sends", [True, False])
def test_what_has_come_until_a_tag_ends_counts_in_its_promise(pair: Pair, sends: bool) -> None:
    listeners = ((0, Edges([InEdge(ROUTE)])),)
    post = Post(pair.unsent, pair.ways, listeners, pair.boards[1].own_words(), pair.horizon, pair.writing)
    pair.boards[1].publish(((20, 0, 0), (20, 0), (3, 0), 0))
    pair.writing.queue.push((12, 0), None)
    if sends:
        post.add(carrying(1, 2))
    Worker(pair, post, pair.writing).keeper.tag_done()
    assert pair.horizon.known == ((20, 0) if sends else (0, 0))  # who promises nothing need not listen
    assert pair.boards[0].read(1)[1].frontier == ((12, 0, 0) if sends else (20, 0, 0))


def test_what_leaves_after_the_last_reaction_is_promised_and_rung_at_the_end(pair: Pair, writer: Worker) -> None:
    words, asleep = pair.boards[0].asleep(0)
    words[asleep] = 1
    pair.post.add(carrying(1, 2))
    writer.keeper.reacted()
    assert [wire.parse(notice)[:2] for notice in pair.reader.read()] == [((4, 0), RANKS)]
    assert (pair.boards[0].version(1), pair.writing.in_tag) == (0, True)
    with pytest.raises(BlockingIOError):
        rings(pair.bells[0])
    pair.writing.queue.push((12, 0), None)
    writer.keeper.tag_done()
    assert pair.boards[0].read(1)[1] == ((12, 0, 0), (12, 0), (4, 0), 0)
    assert rings(pair.bells[0]) == 1
    pair.writing.execution.tag = (12, 0)
    writer.keeper.reacted()
    writer.keeper.tag_done()
    assert pair.boards[0].version(1) == 1  # nothing was sent at this one


def test_the_neighbourhood_is_told_that_something_was_sent(pair: Pair, writer: Worker) -> None:
    pair.post.add(carrying(1, 2))
    writer.keeper.reacted()
    for _ in range(2):
        pair.writing.scheduler._called = True
        writer.keeper.tag_done()
    assert writer.left.said == [("end_tag", True), ("end_tag", False)]


def test_while_a_snapshot_is_taken_nothing_leaves_early(pair: Pair, writer: Worker) -> None:
    pair.arrivals.is_usual = False
    pair.post.add(carrying(1, 2))
    writer.keeper.reacted()
    assert (pair.post.is_empty, pair.reader.read()) == (False, [])


def test_who_sends_nothing_promises_now_and_then(pair: Pair, writer: Worker) -> None:
    said = list[Point]()
    for time in range(4, 10):
        pair.writing.execution.tag = (time, 0)
        pair.writing.queue.head = (time + 1, 0)
        writer.keeper.tag_done()
        said.append(pair.boards[0].read(1)[1].head)
    assert said == [(0, 0), (0, 0), (7, 0), (7, 0), (7, 0), (10, 0)]


@pytest.mark.parametrize("why", ["the last tag", "a call", "an event from outside", "a snapshot is taken"])
def test_the_unusual_end_of_a_tag_is_left_to_the_neighbourhood(pair: Pair, writer: Worker, why: str) -> None:
    writer.slots.append("a slot")
    if why == "the last tag":
        pair.writing.scheduler._bound = (4, 0)
    elif why == "a call":
        pair.writing.scheduler._called = True
    elif why == "an event from outside":
        pair.writing.inbox.waiting = True
    else:
        pair.arrivals.is_usual = False
    writer.keeper.tag_done()
    assert writer.left.said == ["give_slots_back", ("end_tag", False)]
    assert pair.writing.in_tag


def test_it_has_to_be_told_who_it_works_for(pair: Pair, writer: Worker) -> None:
    nobody: Any = None
    with pytest.raises(TypeError, match=r"must be rlreactor\.runtime.arrivals\.Arrivals, not None"):
        Gatekeeper(
            nobody, nobody, nobody, nobody, [], pair.post, nobody, nobody, pair.horizon, pair.position, TIMEOUT,
            RANKS, 1, False, MOST, 1,
        )  # fmt: skip
