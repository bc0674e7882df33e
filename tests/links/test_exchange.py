"""What two workers say to each other over links that carry bytes: messages, slots and rows, in one order."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from rlreactor.links import wire
from rlreactor.links.board import Status
from rlreactor.links.distant_board import DistantBoard
from rlreactor.links.exchange import ROOM, Exchange, longest_frame
from rlreactor.links.reliable import HEADER, PeerFault
from rlreactor.tag import Tag

WINDOW = 400
RUN = 11


class Pair:
    """Worker 0 and worker 1, and the frames between them, which arrive when somebody says so."""

    def __init__(self, window: int = WINDOW) -> None:
        self.under_way: list[tuple[int, int, bool, bytes | memoryview]] = []
        self.landed: list[tuple[int, wire.Entry, bytes]] = []
        self.now = 0
        self.boards = [
            DistantBoard(2, 0, read_from={1: 0}, read_by={1: 1}),
            DistantBoard(2, 1, read_from={0: 1}, read_by={0: 0}),
        ]
        self.ends = [self.end(me, window) for me in range(2)]
        for end in self.ends:
            end.tell_all()
        self.deliver()

    def end(self, me: int, window: int) -> Exchange:
        def carry(target: int, frames: Iterable[bytes | memoryview], *, back: bool) -> None:
            self.under_way += [(me, target, back, frame) for frame in frames]

        def land(source: int, message: wire.Entry, data: memoryview) -> None:
            self.landed.append((source, message, bytes(data)))

        windows = {(0, 1): window, (1, 0): window}
        return Exchange(
            me, self.boards[me], [1 - me], run=RUN, epoch=0, windows=windows, carry=carry, land=land,
            clock=lambda: self.now, timeouts=(10, 40), rows_under_way=2,
        )  # fmt: skip

    def deliver(self) -> None:
        """Until nothing is under way."""
        while self.under_way:
            source, target, back, frame = self.under_way.pop(0)
            (self.ends[target].take_answer if back else self.ends[target].take_frame)(source, frame)
            if not self.under_way:
                for end in self.ends:
                    end.answer()


def header(port: int = 0, slot: int = -1, time: int = 0) -> bytes:
    return wire.head(Tag(time, 0)) + wire.entry(port, slot)


def test_messages_arrive_in_order_and_are_counted() -> None:
    pair = Pair()
    for number in range(5):
        assert pair.ends[0].try_write(1, [header(time=number), b"x" * number])
    assert not pair.ends[1].waiting(0)
    pair.deliver()
    assert pair.ends[1].waiting(0)
    assert pair.ends[1].read(0) == [header(time=n) + b"x" * n for n in range(5)]
    assert not pair.ends[1].waiting(0)
    pair.boards[1].publish(Status.initial())
    assert pair.boards[1]._own.received == [5, 0]


@pytest.mark.parametrize("length", [0, 1, 67, 68, 69, 68 * 4, 10_000])
def test_a_message_of_any_length_passes_in_pieces(length: int) -> None:
    pair = Pair()
    data = bytes(n % 251 for n in range(length))
    assert pair.ends[0].try_write(1, [data])
    received: list[bytes] = []
    for _ in range(1000):
        pair.deliver()
        received += pair.ends[1].read(0)
        pair.ends[1].answer()
        pair.deliver()
        if pair.ends[0].flush(1) and received:
            break
    assert received == [data]


def test_what_is_not_read_holds_the_writer_back() -> None:
    pair = Pair()
    taken = 0
    while pair.ends[0].try_write(1, [b"x" * 36]):
        taken += 1
        pair.deliver()
    assert taken == WINDOW // (36 + 32)
    assert not pair.ends[0].try_write(1, [b"x" * 36])
    pair.ends[1].read(0)
    pair.ends[1].answer()
    pair.deliver()
    assert pair.ends[0].try_write(1, [b"x" * 36])


def test_a_long_message_that_waits_for_room_goes_before_the_next() -> None:
    pair = Pair()
    assert pair.ends[0].try_write(1, [b"a" * 1000])
    assert not pair.ends[0].flush(1)
    assert not pair.ends[0].try_write(1, [b"b"])
    received: list[bytes] = []
    while not received:
        pair.deliver()
        received = pair.ends[1].read(0)
        pair.ends[1].answer()
        pair.deliver()
        pair.ends[0].flush(1)
    assert received == [b"a" * 1000]
    assert pair.ends[0].try_write(1, [b"b"])


def test_a_slot_is_sent_in_place_and_lands_before_its_message_is_read() -> None:
    pair = Pair()
    envelope = bytearray(ROOM) + b"payload" * 100  # longer than any window
    pair.ends[0].send_slot(1, header(port=4, slot=2, time=9), memoryview(envelope))
    frame = pair.under_way[0][3]
    assert isinstance(frame, memoryview)
    assert frame.obj is envelope
    pair.deliver()
    ((source, entry, data),) = pair.landed
    assert (source, entry.port, entry.slot) == (0, 4, 2)
    assert data == b"payload" * 100
    assert pair.ends[1].read(0) == [header(port=4, slot=2, time=9)]
    assert ROOM % 64 == 0


def test_what_is_sent_again_is_a_copy() -> None:
    pair = Pair()
    envelope = bytearray(ROOM) + b"once"
    pair.ends[0].send_slot(1, header(slot=0), memoryview(envelope))
    pair.under_way.clear()  # lost
    pair.now = 10
    pair.ends[0].tick()
    pair.deliver()
    pair.ends[0].tick()
    frame = pair.under_way[0][3]
    envelope[-4:] = b"over"
    assert bytes(frame).endswith(b"once")


def test_a_row_comes_after_what_was_sent_before_it() -> None:
    pair = Pair()
    pair.ends[0].try_write(1, [b"message"])
    pair.boards[0].publish(Status((5, 0, 0), Tag(5, 0), Tag(4, 0), 0))
    pair.ends[0].tell(1)
    for source, target, back, frame in pair.under_way[:1]:
        assert not back
        pair.ends[target].take_frame(source, frame)
    assert pair.boards[1].version(0) == 0
    assert pair.ends[1].waiting(0)
    del pair.under_way[:1]
    pair.deliver()
    assert pair.boards[1].read(0)[1].frontier == (5, 0, 0)


def test_a_row_is_told_once_and_few_are_under_way() -> None:
    pair = Pair()
    pair.boards[0].tell_idle()
    pair.ends[0].tell(1)
    pair.ends[0].tell(1)
    assert len(pair.under_way) == 1
    for time in range(5):
        pair.boards[0].publish(Status((time, 0, 0), Tag(time, 0), Tag(0, 0), 0))
        pair.ends[0].tell(1)
    assert len(pair.under_way) == 2
    pair.deliver()
    assert pair.boards[1].read(0)[1].frontier == (4, 0, 0)


def test_nothing_overtakes_a_frontier_that_falls() -> None:
    pair = Pair()
    for time in (9, 3):
        pair.boards[0].publish(Status((time, 0, 0), Tag(time, 0), Tag(0, 0), 0))
    pair.ends[0].try_write(1, [b"after the fall"])
    source, target, _, frame = pair.under_way[0]
    pair.ends[target].take_frame(source, frame)
    assert pair.boards[1].read(0)[1].frontier == (3, 0, 0)
    assert not pair.ends[1].waiting(0)


def test_finished_slots_travel_with_the_row() -> None:
    pair = Pair()
    pair.boards[1].finish_slots(0, 0, 3)
    pair.ends[1].tell(0)
    assert pair.boards[0].finished_slots(1, 0) == 0
    pair.deliver()
    assert pair.boards[0].finished_slots(1, 0) == 3


def test_many_frames_are_answered_once() -> None:
    pair = Pair()
    for _ in range(3):
        pair.ends[0].try_write(1, [b"x"])
    frames, pair.under_way = pair.under_way, []
    for source, target, _, frame in frames:
        pair.ends[target].take_frame(source, frame)
    pair.ends[1].answer()
    assert [back for _, _, back, _ in pair.under_way] == [True]
    pair.deliver()
    assert pair.ends[0].settled


def test_whoever_has_gone_is_not_waited_for() -> None:
    pair = Pair()
    pair.ends[0].try_write(1, [b"x"])
    before, due = pair.ends[0].settled, pair.ends[0].due
    assert (before, due) == (False, 10)
    pair.boards[1].leave()
    pair.ends[1].tell(0)
    (row,) = [entry for entry in pair.under_way if entry[0] == 1]
    pair.ends[0].take_frame(1, row[3])
    assert pair.ends[0].settled
    assert pair.ends[0].due is None


@pytest.mark.parametrize(
    ("payload", "free", "text"),
    [
        (b"short", True, "a payload of 5 bytes from worker 0: expected at least 32"),
        (bytes(64), True, r"a row of 32 bytes: expected 168 for 2 workers"),
        (b"\1" + bytes(63), True, "a payload of kind 1 from worker 0, without credits"),
        (b"\2" + bytes(63), False, "a payload of kind 2 from worker 0, with credits"),
        (b"\7" + bytes(63), True, "a payload of kind 7"),
    ],
)
def test_what_makes_no_sense_is_the_peers_fault(payload: bytes, free: bool, text: str) -> None:
    pair = Pair()
    (frame,) = pair.ends[0].senders[1].send(payload, 0, free=free)
    with pytest.raises(PeerFault, match=text):
        pair.ends[1].take_frame(0, frame)


def test_no_frame_is_longer_than_announced() -> None:
    pair = Pair()
    pair.boards[0].tell_idle()
    pair.ends[0].tell(1)
    pair.ends[0].try_write(1, [b"x" * 1000])
    pair.ends[0].send_slot(1, header(slot=0), memoryview(bytearray(ROOM + 77)))
    lengths = [len(entry[3]) for entry in pair.under_way]
    row = DistantBoard.row_length(2)
    assert max(lengths) <= longest_frame(WINDOW, [77], row)
    assert longest_frame(WINDOW, [10**6], row) == ROOM + 10**6
    assert longest_frame(8, [], row) == HEADER + 32 + row
