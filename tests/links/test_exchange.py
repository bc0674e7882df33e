"""What two workers say to each other over links that carry bytes: messages, slots and rows, in one order."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from rlreactor.links import wire
from rlreactor.links.distant_board import DistantBoard
from rlreactor.links.envelope import Envelope
from rlreactor.links.exchange import LONG, ROOM, Exchange, longest_frame
from rlreactor.links.reliable import HEADER, PeerFault
from rlreactor.links.status import Status
from rlreactor.tag import Tag

WINDOW = 400
RUN = 11
DELAY = 2  # of acknowledgements


class Pair:
    """Worker 0 and worker 1, and the frames between them, which arrive when somebody says so."""

    def __init__(self, window: int = WINDOW, *, long: int = LONG) -> None:
        self.under_way: list[tuple[int, int, bool, bytes | memoryview]] = []
        self.landed: list[tuple[int, wire.Entry, bytes]] = []
        self.stayed: list[bool] = []  # whether a value may stay where it came, for each that has landed
        self.long = long
        self.now = 0
        self.boards = [
            DistantBoard(2, 0, read_from={1: 0}, read_by={1: 1}),
            DistantBoard(2, 1, read_from={0: 1}, read_by={0: 0}),
        ]
        self.ends = [self.end(me, window) for me in range(2)]
        for end in self.ends:
            end.tell_everybody()
        self.deliver()
        self.acknowledge()

    def end(self, me: int, window: int) -> Exchange:
        def carry(target: int, frames: Iterable[bytes | memoryview], *, back: bool) -> None:
            self.under_way += [(me, target, back, frame) for frame in frames]

        def land(source: int, message: wire.Entry, data: memoryview, may_stay: bool) -> None:
            self.landed.append((source, message, bytes(data)))
            self.stayed.append(may_stay)
            assert not may_stay or address(data) % 64 == 0

        windows = {(0, 1): window, (1, 0): window}
        return Exchange(
            me, self.boards[me], [1 - me], run=RUN, epoch=0, windows=windows, carry=carry, land=land,
            clock=lambda: self.now, timeouts=(10, 40), rows_under_way=2, long=self.long,
        )  # fmt: skip

    def deliver(self) -> None:
        """Until nothing is under way."""
        while self.under_way:
            source, target, back, frame = self.under_way.pop(0)
            (self.ends[target].take_answer if back else self.ends[target].take_frame)(source, frame)
            if not self.under_way:
                for end in self.ends:
                    end.answer()

    def acknowledge(self) -> None:
        """Let the time pass after which everything is acknowledged."""
        self.now += DELAY
        for end in self.ends:
            end.answer()
        self.deliver()


def header(port: int = 0, slot: int = -1, time: int = 0) -> bytes:
    return wire.head(Tag(time, 0)) + wire.entry(port, slot)


def enclosed(memory: bytearray, start: int, behind: int = 0) -> Envelope:
    return Envelope(memoryview(memory), start, len(memory) - behind)


def address(data: memoryview) -> int:
    return int(np.frombuffer(data, np.uint8).__array_interface__["data"][0])


def placed(frame: bytes | memoryview, place: int) -> memoryview:
    """The same bytes, where the address modulo 64 is `place`."""
    memory = memoryview(bytearray(len(frame) + 128))
    start = (place - address(memory)) % 64
    memory[start : start + len(frame)] = frame
    return memory[start : start + len(frame)]


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
    pair.ends[0].send_slot(1, header(port=4, slot=2, time=9), enclosed(envelope, ROOM))
    frame = pair.under_way[0][3]
    assert isinstance(frame, memoryview)
    assert frame.obj is envelope
    pair.deliver()
    ((source, entry, data),) = pair.landed
    assert (source, *entry[:2]) == (0, 4, 2)
    assert data == b"payload" * 100
    assert pair.ends[1].read(0) == [header(port=4, slot=2, time=9)]
    assert ROOM % 64 == 0


@pytest.mark.parametrize("row", [False, True])
@pytest.mark.parametrize("length", [1000, 1024, 1033])
def test_a_long_slot_stays_where_it_came_once_it_is_known_where_that_is(length: int, row: bool) -> None:
    pair = Pair(long=1000)
    envelope = enclosed(bytearray(512 + length + 63), 512, 63)
    for place in (0, 24, 24, 24, 56, 56, 8):
        if row:
            pair.boards[0].tell_idle()
        pair.ends[0].send_slot(1, header(slot=0), envelope)
        ((source, _, _, frame),) = pair.under_way
        assert len(frame) <= longest_frame(WINDOW, [length], DistantBoard.row_length(2))
        assert len(frame) % 64 == 16  # with what the allocator adds, the next one lies at the same place
        pair.under_way.clear()
        pair.ends[1].take_frame(source, placed(frame, place))
        pair.boards[1].tell_idle()
        pair.ends[1].tell_everybody()
        pair.deliver()
    assert pair.stayed == [True, False, True, True, False, True, False]
    assert pair.landed[-1] == (0, (0, 0, memoryview(b"")), bytes(length))


def test_a_long_slot_without_room_behind_it_stays_too() -> None:
    pair = Pair(long=1000)
    pair.ends[0].send_slot(1, header(slot=0), enclosed(bytearray(512) + b"x" * 1000, 512))
    frame = pair.under_way.pop()[3]
    pair.ends[1].take_frame(0, placed(frame, 0))
    assert pair.stayed == [True]
    assert pair.landed[0][2] == b"x" * 1000


def test_a_short_slot_is_sent_without_anything_left_out() -> None:
    pair = Pair(long=1001)
    pair.ends[0].send_slot(1, header(slot=0), enclosed(bytearray(512 + 1000 + 63), 512, 63))
    frame = pair.under_way.pop()[3]
    assert len(frame) == ROOM + 1000
    pair.ends[1].take_frame(0, placed(frame, 0))
    assert pair.stayed == [False]


def test_one_slot_is_the_same_frame_again_and_again() -> None:
    pair = Pair(long=1000)
    envelope = enclosed(bytearray(512 + 1000), 512)
    for _ in range(3):
        pair.ends[0].send_slot(1, header(slot=0), envelope)
    first, *others = [frame for _, _, _, frame in pair.under_way]
    assert all(frame is first for frame in others)


def test_what_is_sent_again_is_a_copy() -> None:
    pair = Pair()
    envelope = bytearray(ROOM) + b"once"
    pair.ends[0].send_slot(1, header(slot=0), enclosed(envelope, ROOM))
    pair.under_way.clear()  # lost
    pair.now += 10
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
    pair.ends[0].send_rows()
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
    assert not pair.under_way
    pair.ends[0].send_rows()
    pair.ends[0].send_rows()
    assert len(pair.under_way) == 1
    for time in range(5):
        pair.boards[0].publish(Status((time, 0, 0), Tag(time, 0), Tag(0, 0), 0))
        pair.ends[0].tell_everybody()
    assert len(pair.under_way) == 2
    pair.deliver()
    pair.acknowledge()
    assert not pair.ends[0].settled
    pair.ends[0].send_rows()
    pair.deliver()
    assert pair.boards[1].read(0)[1].frontier == (4, 0, 0)


def test_a_message_brings_the_row_if_there_is_room_for_it() -> None:
    pair = Pair(window=4000)
    for length, frames in ((100, 1), (900, 2)):
        pair.boards[0].publish(Status((length, 0, 0), Tag(length, 0), Tag(0, 0), 0))
        pair.ends[0].tell(1)
        pair.ends[0].try_write(1, [bytes(length)])
        pair.ends[0].send_rows()
        assert len(pair.under_way) == frames
        pair.deliver()
        assert pair.boards[1].read(0)[1].frontier == (length, 0, 0)
    assert list(map(len, pair.ends[1].read(0))) == [100, 900]


def test_a_slot_brings_the_row_if_there_is_room_for_it() -> None:
    pair = Pair()
    row = DistantBoard.row_length(2)
    for time, room in ((1, row), (2, row - 1)):
        start = ROOM + room
        memory = bytearray(start) + b"slot"
        pair.boards[0].publish(Status((time, 0, 0), Tag(time, 0), Tag(0, 0), 0))
        pair.ends[0].send_slot(1, header(slot=time), enclosed(memory, start))
        frame = pair.under_way[0][3]
        assert len(frame) == ROOM + len(b"slot") + (row if room == row else 0)
        assert len(frame) <= longest_frame(WINDOW, [4], row)
        pair.deliver()
        assert pair.boards[1].version(0) == 1
    assert [data for _, _, data in pair.landed] == [b"slot", b"slot"]


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
    pair.boards[1].finish_slots(0, 0, 3, news=True)
    pair.ends[1].tell(0)
    pair.ends[1].send_rows()
    assert pair.boards[0].finished_slots(1, 0) == 0
    pair.deliver()
    assert pair.boards[0].finished_slots(1, 0) == 3


def test_finished_slots_that_the_writer_may_need_are_told_before_a_reaction_runs() -> None:
    pair = Pair()
    pair.boards[1].finish_slots(0, 0, 3, news=False)
    pair.ends[1].send_news()
    assert not pair.under_way
    pair.boards[1].finish_slots(0, 0, 4, news=True)
    pair.ends[1].send_news()
    pair.ends[1].send_news()
    assert len(pair.under_way) == 1
    pair.deliver()
    assert pair.boards[0].finished_slots(1, 0) == 4


def test_many_frames_are_answered_once_after_a_while() -> None:
    pair = Pair()
    for _ in range(3):
        pair.ends[0].try_write(1, [b"x"])
    pair.deliver()
    assert pair.ends[0].senders[1].unacknowledged == 3
    assert pair.ends[1].due == pair.now + DELAY
    pair.now += DELAY
    pair.ends[1].answer()
    pair.ends[1].answer()
    assert [back for _, _, back, _ in pair.under_way] == [True]
    pair.deliver()
    assert pair.ends[0].settled


def test_what_goes_back_anyway_acknowledges_what_has_come() -> None:
    pair = Pair()
    pair.ends[0].try_write(1, [b"x"])
    pair.deliver()
    pair.ends[1].try_write(0, [b"y"])
    pair.deliver()
    assert pair.ends[0].settled
    assert not pair.ends[1].settled
    assert pair.ends[1].senders[0].unacknowledged == 1


def test_credits_that_the_writer_may_need_are_returned_at_once() -> None:
    pair, hurries = Pair(window=1600), list[bool]()
    for messages in (1, 3):
        for _ in range(messages):
            pair.ends[0].try_write(1, [bytes(100)])
        pair.deliver()
        pair.ends[1].read(0)
        hurries.append(pair.ends[1].hurries)
    assert hurries == [False, True]
    pair.ends[1].answer()
    hurries.append(pair.ends[1].hurries)
    assert hurries == [False, True, False]
    pair.deliver()
    assert pair.ends[0].senders[1].room == 1600


def test_whoever_has_gone_is_not_waited_for() -> None:
    pair = Pair()
    pair.ends[0].try_write(1, [b"x"])
    before, due = pair.ends[0].settled, pair.ends[0].due
    assert (before, due) == (False, pair.now + 10)
    pair.boards[1].leave()
    pair.ends[1].tell_everybody()
    (row,) = [entry for entry in pair.under_way if entry[0] == 1]
    pair.ends[0].take_frame(1, row[3])
    pair.now += DELAY
    pair.ends[0].answer()
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
        (b"\2\0\3\6" + bytes(68), True, r"a slot from worker 0 with 3 \+ 6 bytes left out of 40"),
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
    pair.ends[0].send_slot(1, header(slot=0), enclosed(bytearray(ROOM + 77), ROOM))
    lengths = [len(entry[3]) for entry in pair.under_way]
    row = DistantBoard.row_length(2)
    assert max(lengths) <= longest_frame(WINDOW, [77], row)
    assert longest_frame(WINDOW, [10**6], row) == ROOM + row + 10**6 + 2 * 63
    assert longest_frame(8, [], row) == HEADER + 32 + row
