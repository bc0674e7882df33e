"""The short way between workers that share memory: what goes it, what does not, and that it leads to the same place."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rlreactor import TICK, Input, LinkError, Output, Reactor, Timer, reaction, run, shutdown, state
from rlreactor.access import Cell
from rlreactor.links import wire
from rlreactor.runtime import arrivals, intake, near_outbox, neighbourhood
from rlreactor.runtime.arrivals import NEWS, NOTHING, UNUSUAL, Arrivals
from rlreactor.runtime.post import Outgoing, Post
from rlreactor.scheduler.edges import Edges, InEdge
from rlreactor.scheduler.frontier import Frontiers
from rlreactor.scheduler.horizon import Horizon
from rlreactor.spec import as_spec
from rlreactor.storage import Heap

from .short_way import (
    CAPACITY,
    LATER,
    NUMBERS,
    PORT,
    ROUTE,
    SIZE,
    Pair,
    Slots,
    carrying,
    entry,
    holding,
    outlet,
    rings,
    sent,
    short_way,
)  # fmt: skip

pytestmark = pytest.mark.skipif(not arrivals.IS_OPEN, reason="it is not compiled: `make engine`")


@pytest.fixture
def pair() -> Iterator[Pair]:
    with short_way() as pair:
        yield pair


# Out


def test_what_goes_out_is_read_the_long_way(pair: Pair) -> None:
    pair.post.add(carrying(1, 2))
    pair.post.add(outlet(slots=Slots(), index=LATER, remote=(0,)))
    assert not pair.post.is_empty
    pair.post.flush(6)
    assert (pair.unsent, pair.post.is_empty) == ({}, True)
    (notice,) = pair.reader.read()
    tag, rank, entries = wire.parse(notice)
    assert (tag, rank) == ((4, 0), 6)
    assert [(port, slot) for port, slot, _ in entries] == [(PORT, -1 - SIZE), (LATER, 3)]
    assert np.frombuffer(entries[0][2], np.int64)[:2].tolist() == [1, 2]
    assert pair.boards[0].snapshot() is not None
    assert (pair.sent_at[0], pair.boards[1].has_mail(0)) == (0, True)


def holding_in_cell(value: Any) -> Cell:
    cell = Cell()
    cell.value = value
    return cell


def test_entries_are_those_of_the_wire_format(pair: Pair) -> None:
    pair.post.add(outlet())
    pair.post.add(outlet(slots=Slots(), index=LATER, remote=(0,)))
    pair.post.add(outlet(lies_in_memory=False, remote=(0,)))
    pair.post.add(outlet(lies_in_memory=False, cell=holding_in_cell(-7), remote=(0,)))
    heap: Any = Heap(as_spec(NUMBERS))
    numbers = heap.empty()
    numbers[:] = 1, 2
    pair.post.add(outlet(storage=heap, cell=heap.store(numbers), remote=(0,)))
    first = wire.inline(PORT, b"12345678901")
    assert pair.unsent == {1: [first]}  # there is no short way to it
    pair.post.flush(6)
    text, number = wire.inline(PORT, as_spec(str).encode("text")), wire.inline(PORT, as_spec(int).encode(-7))
    entries = first, wire.entry(LATER, 3), text, number, entry(PORT, 1, 2)
    assert pair.reader.read() == [wire.head((4, 0), 6) + b"".join(entries)]
    with pytest.raises(TypeError, match="expected a tuple of workers, received 7"):
        pair.post.add(outlet(remote=7))
    with pytest.raises(TypeError, match="expected an outlet, received 'nothing'"):
        pair.post.add("nothing")  # type: ignore[arg-type]


def test_records_go_round_the_ring(pair: Pair) -> None:
    for number in range(200):
        for size in (number % 3 + 1, 2):
            pair.post.add(holding(bytes([number % 256]) * size * 9))
            pair.writing.execution.tag = (number, 0)
            pair.post.flush(1)
        for size, notice in zip((number % 3 + 1, 2), pair.reader.read(), strict=True):
            assert bytes(wire.parse(notice)[2][0][2]) == bytes([number % 256]) * size * 9


def test_a_long_notice_goes_the_long_way(pair: Pair) -> None:
    pair.post.add(carrying(1, 2))
    pair.post.add(holding(bytes(CAPACITY // 4)))
    pair.post.add(carrying(3, 4))  # not before what has to wait
    assert pair.post.flush(6)
    assert pair.unsent == {0: [entry(PORT, 1, 2), wire.inline(PORT, bytes(CAPACITY // 4)), entry(PORT, 3, 4)]}
    assert pair.reader.read() == []
    assert not pair.boards[1].has_mail(0)


def test_what_goes_the_long_way_to_several_is_copied_once(pair: Pair) -> None:
    long: Any = SimpleNamespace(stored=memoryview(bytes(CAPACITY // 4)))
    pair.post.add(outlet(storage=long, remote=(0, 1)))
    assert pair.unsent[0] == [wire.inline(PORT, bytes(CAPACITY // 4))]
    assert pair.unsent[0][0] is pair.unsent[1][0]


def test_a_full_ring_leaves_the_notice_to_the_long_way(pair: Pair) -> None:
    taken = 0
    while True:
        pair.post.add(outlet(slots=Slots(), index=LATER, remote=(0,)))
        pair.post.add(carrying(taken, 0))
        pair.writing.execution.tag = (taken, 0)
        pair.post.flush(6)
        if pair.unsent:
            break
        taken += 1
    assert taken == CAPACITY // (8 + wire.SINGLE + 8 + SIZE)
    assert pair.unsent == {0: [wire.entry(LATER, 3), entry(PORT, taken, 0)]}
    assert len(pair.reader.read()) == taken
    pair.unsent.clear()
    pair.post.add(carrying(1, 2))  # there is room again
    assert not pair.post.flush(6)
    assert len(pair.reader.read()) == 1


def test_nothing_is_written_for_a_worker_that_is_gone(pair: Pair) -> None:
    pair.boards[0].leave()
    pair.post.add(carrying(1, 2))
    pair.post.flush(6)
    assert (pair.unsent, pair.reader.read()) == ({}, [])


def test_who_sleeps_is_rung(pair: Pair) -> None:
    words, asleep = pair.boards[0].asleep(0)
    words[asleep] = 1
    pair.post.add(carrying(1, 2))
    pair.post.finish(6)
    with pytest.raises(BlockingIOError):
        rings(pair.bells[0])
    pair.post.ring()
    assert rings(pair.bells[0]) == 1


def test_a_status_is_published_once(pair: Pair) -> None:
    board, writing = pair.boards[0], pair.writing
    writing.last, writing.received = (3, 2), 17
    for _ in range(2):
        pair.post.say((4, 0, 1), (5, 0))
        assert board.read(1) == (1, ((4, 0, 1), (5, 0), (3, 2), 17))
    assert (board.news(1), pair.post.frontier, pair.post.is_told) == (1, (4, 0, 1), False)
    pair.post.say((4, 0, 1), (6, 0))  # no news to those who read from it
    assert (board.version(1), board.news(1)) == (2, 1)
    pair.post.tell((4, 0, 1))
    assert board.version(1) == 2
    writing.last, writing.received = (8, 0), 18
    pair.post.promise((9, 0), (9, 0))
    assert board.read(1) == (3, ((9, 0, 0), (9, 0), (8, 0), 18))
    pair.post.publish((2, 0, 0), (2, 0), True)
    assert board.read(1)[1].frontier == (2, 0, 0)
    assert [board.news(1), board.version(1)] == [4, 4]
    pair.post.tell((11, 0, 0))  # the tag that it has begun is its earliest event
    assert board.read(1) == (5, ((11, 0, 0), (4, 0), (8, 0), 18))


def test_what_has_to_wait_for_the_long_way_is_said_afterwards(pair: Pair) -> None:
    ways = {0: pair.ways[0], 2: pair.ways[0]}
    listeners = ((0, Edges([InEdge(ROUTE)])), (2, Edges([InEdge(ROUTE)])))
    post = Post(pair.unsent, ways, listeners, pair.boards[1].own_words(), Horizon([]), pair.writing)
    post.add(holding(bytes(CAPACITY // 4)))
    assert post.flush(6)
    assert (list(pair.unsent), pair.boards[0].version(1)) == ([0], 0)
    pair.unsent.clear()
    words, asleep = pair.boards[0].asleep(0)
    words[asleep] = 1
    post.catch_up(6)
    assert pair.boards[0].read(1)[1].frontier == (4, 0, 6)
    assert rings(pair.bells[0]) == 1
    words[asleep] = 0
    post.catch_up(7)
    assert pair.boards[0].read(1)[1].frontier == (4, 0, 6)


def test_who_waits_for_a_frontier_is_rung(pair: Pair) -> None:
    words, asleep = pair.boards[0].asleep(0)
    pair.boards[0].set_wanted(6)
    words[asleep] = 1
    pair.post.tell((5, 0, 0))
    with pytest.raises(BlockingIOError):
        rings(pair.bells[0])
    pair.post.tell((7, 0, 0))
    assert rings(pair.bells[0]) == 1


# In


def test_what_comes_at_this_tag_goes_into_its_cell(pair: Pair) -> None:
    pair.position.execution.tag = (4, 0)
    assert [pair.incoming.receive() for _ in range(2)] == [NEWS, NOTHING]
    sent(pair, wire.head((4, 0), 6), entry(PORT, 1, 2))
    assert pair.incoming.receive() == NEWS
    cell = pair.cells[PORT]
    assert (cell.present, cell.value.tolist()) == (True, [1, 2])
    assert not cell.value.flags.writeable
    assert pair.position.execution.present == [cell]
    assert (pair.position.received, pair.tally.received_from, pair.tally.backlog) == (1, [0, 1], [0, 0])
    assert pair.horizon.known == (4, 1)
    assert pair.incoming.receive() == NOTHING


def test_what_comes_later_is_queued(pair: Pair) -> None:
    sent(pair, wire.head((4, 0), 6), entry(PORT, 1, 2), entry(LATER, 3, 4))
    assert pair.incoming.receive() == NEWS
    queue = pair.position.queue
    assert [(tag, stored[0].tolist(), stored[1]) for tag, _, stored in queue.events()] == [
        ((4, 0), [1, 2], None),
        ((14, 0), [3, 4], None),
    ]
    assert pair.tally.backlog == [0, 2]


def test_memory_is_used_again_once_nobody_holds_the_value(pair: Pair) -> None:
    cell, found, kept = pair.cells[PORT], set[int](), list[Any]()
    for number in range(100):
        pair.position.execution.tag = (number, 0)
        sent(pair, wire.head((number, 0), 6), entry(PORT, number, number))
        assert pair.incoming.receive() == NEWS
        found.add(cell.value.__array_interface__["data"][0])
        if number % 20 == 0:
            kept.append(cell.value)
        cell.present = False
    assert len(found) < 20
    assert [value.tolist() for value in kept] == [[number] * 2 for number in range(0, 100, 20)]


def test_a_status_moves_the_edges(pair: Pair) -> None:
    pair.boards[1].publish(((8, 0, 0), (8, 0), (7, 0), 0))
    assert pair.incoming.receive() == NEWS
    assert (pair.horizon.known, pair.tally.seen) == ((8, 0), [-1, 1])
    pair.boards[1].publish(((9, 0, 0), (9, 0), (8, 0), 0), news=False)
    assert pair.incoming.receive() == NOTHING


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param((wire.head((4, 0)), wire.inline(wire.STOP, b"")), id="a stop"),
        pytest.param((wire.head((4, 0), 6), wire.inline(PORT, bytes(SIZE + 1))), id="a large value"),
        pytest.param((wire.head((4, 0), 6), entry(PORT + 1, 1, 2)), id="another port"),
        pytest.param((wire.head((4, 0), 6), wire.entry(PORT, 0)), id="a slot of a port that has none"),
        pytest.param((wire.head((-4, 0), 6), entry(PORT, 1, 2)), id="an impossible time"),
        pytest.param((wire.head((3, 1), 6), entry(PORT, 1, 2)), id="what is not wanted"),
        pytest.param((wire.head((4, 0), 6), entry(PORT, 1, 2), b"more"), id="malformed"),
        pytest.param((b"short",), id="short"),
        pytest.param((wire.head((4, 0), 6), bytes(CAPACITY // 3)), id="in pieces"),
    ],
)
def test_what_is_not_usual_is_left_where_it_is(pair: Pair, parts: tuple[bytes, ...]) -> None:
    pair.incoming.after = (3, 1)
    sent(pair, wire.head((3, 2), 6), entry(PORT, 1, 2))
    sent(pair, *parts)
    assert pair.incoming.receive() == UNUSUAL
    assert pair.position.received == 1  # what came before it was taken in
    assert pair.incoming.receive() == UNUSUAL
    assert pair.reader.waiting()


def test_too_many_that_wait_are_left_to_the_long_way(pair: Pair) -> None:
    pair.tally.backlog[1] = 100
    sent(pair, wire.head((4, 0), 6), entry(PORT, 1, 2))
    assert pair.incoming.receive() == UNUSUAL
    assert not pair.arrivals.look(1)


@pytest.mark.parametrize(("word", "value"), [(0, 4), (0, -8), (0, 1 << 40), (8, 24)])
def test_a_corrupt_ring_is_left_to_the_long_way(pair: Pair, word: int, value: int) -> None:
    sent(pair, wire.head((4, 0), 6), entry(PORT, 1, 2))
    pair.reader.cells[word] = value
    assert pair.incoming.receive() == UNUSUAL
    with pytest.raises(LinkError, match="ring is corrupt"):
        pair.reader.read()


def test_a_value_for_a_tag_that_is_over_is_an_error(pair: Pair) -> None:
    pair.position.in_tag = False
    pair.position.scheduler.last = (4, 0)
    sent(pair, wire.head((4, 0), 6), entry(PORT, 1, 2))
    with pytest.raises(LinkError, match=r"a message for \(4 ns, 0\) came from worker 1 when that tag was over"):
        pair.incoming.receive()


def test_a_look_sees_messages_and_news(pair: Pair) -> None:
    assert pair.incoming.receive() == NEWS  # there is a first status
    assert not pair.arrivals.look(2)
    pair.boards[1].publish(((8, 0, 0), (8, 0), (7, 0), 0))
    assert pair.arrivals.look(1)
    assert pair.incoming.receive() == NEWS
    assert not pair.arrivals.look(2)
    sent(pair, wire.head((9, 0), 6), entry(PORT, 1, 2))
    assert pair.arrivals.look(1)


def test_a_writer_that_waits_for_room_is_rung(pair: Pair) -> None:
    words, asleep = pair.boards[1].asleep(1)
    words[asleep] = 1
    sent(pair, wire.head((4, 0), 6), entry(PORT, 1, 2))
    pair.boards[1].set_waiting({0}, room=True)
    assert pair.incoming.receive() == NEWS
    assert rings(pair.bells[1]) == 1


# Both ways together


class Source(Reactor):
    """Sends values of all sizes, some of them never the short way."""

    tick = Timer(0, TICK)
    small = Output(NUMBERS)
    text = Output(str)
    asked = Input(int)
    answers: int = state(0)

    @reaction(tick, effects=[small, text])
    def send(self) -> None:
        out = self.small.empty()
        out[:] = self.tag.time
        self.small.set(out)
        if self.tag.time % 3:
            self.text.set("x" * int(self.rng.integers(1, 40_000)))

    @reaction(asked)
    def hear(self) -> None:
        self.answers += self.asked.value


class Sink(Reactor):
    small = Input(NUMBERS)
    text = Input(str)
    late = Input(NUMBERS, hold=True)
    asked = Output(int)
    seen: int = state(0)

    @reaction(small, text, reads=[late], effects=[asked])
    def hear(self) -> None:
        length = len(self.text.value) if self.text.present else 0
        self.seen += int(self.small.value.sum()) + length
        self.asked.set(length + (int(self.late.value[0]) if self.tag.time > 3 else 0))

    @reaction(shutdown)
    def end(self) -> None:
        self.seen = -self.seen


class Conversation(Reactor):
    def compose(self) -> None:
        self.source = Source()
        self.sink = Sink()
        self.connect(self.source.small, self.sink.small)
        self.connect(self.source.text, self.sink.text)
        self.connect(self.source.small, self.sink.late, after=3 * TICK)
        self.connect(self.sink.asked, self.source.asked)


@pytest.mark.parametrize("short_out", [True, False])
@pytest.mark.parametrize("short_in", [True, False])
@pytest.mark.parametrize("kept", [True, False])
def test_both_ways_lead_to_the_same(
    monkeypatch: pytest.MonkeyPatch, short_out: bool, short_in: bool, kept: bool
) -> None:
    monkeypatch.setattr(near_outbox, "IS_OPEN", short_out)
    monkeypatch.setattr(intake, "IS_OPEN", short_in)
    monkeypatch.setattr(neighbourhood, "IS_OPEN", kept)
    alone = run(Conversation(), workers=1, timeout=600 * TICK)
    apart = run(Conversation(), workers=2, timeout=600 * TICK)
    assert len(apart.plan.workers) == 2
    assert apart.fingerprint == alone.fingerprint
    assert apart.state("sink") == alone.state("sink")
    assert apart.state("source") == alone.state("source")


def test_frontiers_are_a_horizon() -> None:
    assert issubclass(Frontiers, Horizon)


def test_what_is_passed_has_to_be_what_it_seems() -> None:
    with pytest.raises(TypeError, match="expected 10 words, received 'no words'"):
        Outgoing("no words", 0, None, [0])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected a way in, received 'no way'"):
        Arrivals(("no way",))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected a list with an item for worker 3"):
        Outgoing(None, 3, None, [0])  # type: ignore[arg-type]
