"""The ends of the links between one worker and those it shares no memory with: bytes in, bytes out, no I/O.

Every other worker is reached over two links of the reliable protocol, one each way. Their payloads are a prefix and

- a *row* of the board, free of credits, whose number is bounded here;
- a *message*, or a piece of one: credits bound the bytes that wait to be read, and long messages are cut, so that one
  of any length passes;
- a *slot*: a message that announces a slot, and the slot's bytes. It is free of credits, because the slots themselves
  are: it is sent in place, and lands in the slot of the same number at the other end, which is free there.

All of them are in one order. So whoever has a row has everything that was sent before it was made.

A long slot is not even copied where it arrives: its value may lie in the frame that brought it, if its bytes begin
there at a multiple of 64. So who receives says where frames come to lie, which hardly changes, and who sends leaves
some bytes out before the slot.

A frame costs more than the bytes in it, so there are few: every payload acknowledges what has come over the link in
the other direction, messages and slots bring the row with them if it fits, and a row that somebody shall have is sent
when this worker has done what it does (`send_rows`), once for all that it then says.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, Protocol

import numpy as np

from rlreactor.links import wire
from rlreactor.links.acknowledgements import Acknowledgements
from rlreactor.links.distant_board import DistantBoard
from rlreactor.links.envelope import Envelope
from rlreactor.links.reliable import HEADER, Address, PeerFault, Receiver, Sender
from rlreactor.spec import ALIGNMENT

__all__ = ["LONG", "ROOM", "Carry", "Exchange", "Land", "longest_frame"]

# Kind, where long frames of the link in the other direction come to lie (address modulo 64), bytes left out before a
# slot and behind it, bytes of the row that comes before a message or a slot, bytes of the message that come after this
# piece; and of the link in the other direction: the number that is expected, and the credits.
_PREFIX: Final = struct.Struct("<BBBBIQQQ")
_ROW: Final = 0
_MESSAGE: Final = 1
_SLOT: Final = 2
ROOM: Final = HEADER + _PREFIX.size + wire.SINGLE  # in front of a slot's bytes, at least
LONG: Final = 1 << 16
"""Bytes from which a slot stays in the frame that brings it."""

_GAP: Final = ALIGNMENT - 1  # the most that is left out on either side
_ALLOCATED: Final = 48  # bytes that ZeroMQ and the allocator add to a long frame: in all, a multiple of 64
_ROWS_UNDER_WAY: Final = 64
_ANSWER_WITHIN: Final = 4  # part of the time after which a sender asks


class Carry(Protocol):
    """Takes frames for a worker; `back`: they answer what came from it."""

    def __call__(self, target: int, frames: Iterable[bytes | memoryview], *, back: bool) -> None: ...


Land = Callable[[int, wire.Entry, memoryview, bool], None]
"""Takes from whom, the entry and the bytes of a slot that arrived, and whether a value may stay where they are.

Raises PeerFault.
"""


def longest_frame(window: int, slots: Iterable[int], row: int) -> int:
    """Bytes of the longest frame of a link, for slots and rows of that many bytes."""
    piece = HEADER + _PREFIX.size + max(longest_piece(window), row)
    return max([piece, *(ROOM + row + slot + 2 * _GAP for slot in slots)])


def longest_piece(window: int) -> int:
    """Bytes of a message that go in one frame: several are under way, and each is small beside what memory offers."""
    return max(1, window // 4 - _PREFIX.size)


class Exchange:
    """All links between this worker and `peers`.

    Args:
        me: this worker.
        board: what it knows of the others.
        peers: those it shares no memory with.
        run: a number that no other run has.
        epoch: grows with every restart of the links.
        windows: by link (from, to), bytes of messages that may wait at its reader; equal at both ends.
        carry: takes frames to send.
        land: takes slots that arrive.
        clock: ns of any monotonic clock.
        long: bytes from which a slot stays in the frame that brings it.
    """

    def __init__(
        self,
        me: int,
        board: DistantBoard,
        peers: Collection[int],
        *,
        run: int,
        epoch: int,
        windows: Mapping[tuple[int, int], int],
        carry: Carry,
        land: Land,
        clock: Callable[[], int],
        timeouts: tuple[int, int] = (20_000_000, 500_000_000),
        rows_under_way: int = _ROWS_UNDER_WAY,
        long: int = LONG,
    ) -> None:
        self.board = board
        self._carry = carry
        self._land = land
        self._clock = clock
        self._rows_under_way = rows_under_way
        self._long = long
        self._place = dict.fromkeys(peers, 0)  # where the last long frame from each lies
        self._place_there = dict.fromkeys(peers, 0)  # and the last to each
        self._longest = {w: longest_piece(windows[me, w]) for w in peers}
        workers, (first, longest) = board.workers, timeouts
        self.senders = {
            w: Sender(
                Address(run, epoch, me * workers + w), window=windows[me, w], timeout=first, longest_timeout=longest
            )
            for w in peers
        }  # fmt: skip
        self.receivers = {
            w: Receiver(Address(run, epoch, w * workers + me), window=windows[w, me]) for w in peers
        }  # fmt: skip
        self._acknowledgements = {
            w: Acknowledgements(receiver, windows[w, me], first // _ANSWER_WITHIN)
            for w, receiver in self.receivers.items()
        }
        self._arrived: dict[int, list[bytes]] = {w: [] for w in peers}
        self._pieces: dict[int, list[bytes]] = {w: [] for w in peers}
        self._unread = dict.fromkeys(peers, 0)  # bytes whose credits go back when they are read
        self._rest: dict[int, memoryview | None] = dict.fromkeys(peers)  # of a long message
        self._told = dict.fromkeys(peers, -1)  # revision of the row that went to each
        self._rows: dict[int, deque[int]] = {w: deque() for w in peers}  # rows under way: their numbers
        self.hurries = False  # somebody may wait for `answer`
        self.taken = 0  # payloads that have come
        self._due: set[int] = set()  # who shall have the own row, and has an older one

    # From the worker

    def try_write(self, target: int, parts: Sequence[bytes | memoryview]) -> bool:
        """Take a message; False without room for it. Call `flush` afterwards until it is true."""
        if self._rest[target] is not None and not self.flush(target):
            return False
        message = b"".join(parts)
        if len(message) <= self._longest[target]:
            return self._put(target, message, 0)
        if not self._put_piece(target, memoryview(message)):
            return False
        self._rest[target] = memoryview(message)[self._longest[target] :]
        self.flush(target)
        return True

    def flush(self, target: int) -> bool:
        """Send as much of a long message's rest as there is room for; True when nothing is left."""
        while (rest := self._rest[target]) is not None:
            if not self._put_piece(target, rest):
                return False
            self._rest[target] = rest[self._longest[target] :] or None
        return True

    def send_slot(self, target: int, message: bytes | memoryview, envelope: Envelope) -> None:
        """Send a slot in place. In front of it are `ROOM` bytes at least, and better some more for the row."""
        is_long = envelope.length >= self._long
        row = self._rider(target, envelope.start - ROOM - (_GAP if is_long else 0))
        used, before, behind = ROOM + len(row), 0, 0
        if is_long:
            before = -(self._place_there[target] + used) % ALIGNMENT
            behind = -(used + before + envelope.length + _ALLOCATED) % ALIGNMENT
            behind = behind if behind <= envelope.behind else 0
        frame = envelope.frame(used + before, behind)
        frame[HEADER:used] = self._prefix(target, _SLOT, row, 0, before, behind) + row + message
        self._carry(target, self.senders[target].send_in_place(frame, self._clock()), back=False)

    def tell(self, target: int) -> None:
        """See to it that `target` gets the own row, with the next message or by `send_rows`."""
        if self._told[target] != self.board.revision:
            self._due.add(target)

    def tell_all(self) -> None:
        """The same, for everybody."""
        for target in self.senders:
            self.tell(target)

    def tell_everybody(self) -> None:
        """Send the own row to everybody who has an older one."""
        self.tell_all()
        self.send_rows()

    def send_rows(self) -> None:
        """Send the own row to those who shall have it."""
        for target in list(self._due):
            self._try_tell(target)

    def send_news(self) -> None:
        """Send the own row to those who may wait for something in it."""
        for target in list(self.board.unheard):
            self._try_tell(target)

    def _try_tell(self, target: int) -> None:
        rows, acknowledged = self._rows[target], self.senders[target].acknowledged
        while rows and rows[0] < acknowledged:
            rows.popleft()
        if len(rows) < self._rows_under_way:
            self._tell_now(target)
        else:
            self._due.add(target)

    def waiting(self, source: int) -> bool:
        """Whether something has come from `source`, perhaps only a piece of a message."""
        return bool(self._arrived[source]) or self._unread[source] > 0

    def read(self, source: int) -> list[bytes]:
        """The messages that have come from `source` since the last call."""
        messages, self._arrived[source] = self._arrived[source], []
        self.board.count_received(source, len(messages))
        if self._unread[source]:
            self._acknowledgements[source].consumed(self._unread[source], self._clock())
            self.hurries = self.hurries or self._acknowledgements[source].due == 0
            self._unread[source] = 0
        return messages

    def _put_piece(self, target: int, rest: memoryview) -> bool:
        longest = self._longest[target]
        return self._put(target, rest[:longest], max(0, len(rest) - longest))

    def _put(self, target: int, piece: bytes | memoryview, left: int) -> bool:
        sender = self.senders[target]
        if not sender.has_room(_PREFIX.size + len(piece)):
            return False
        room = min(self._longest[target], sender.room - _PREFIX.size)
        row = b"" if left else self._rider(target, room - len(piece))
        payload = b"".join((self._prefix(target, _MESSAGE, row, left), row, piece))
        self._carry(target, sender.send(payload, self._clock()), back=False)
        return True

    def _prefix(self, target: int, kind: int, row: bytes, left: int, before: int = 0, behind: int = 0) -> bytes:
        expected, limit = self._acknowledgements[target].ride()
        return _PREFIX.pack(kind, self._place[target], before, behind, len(row), left, expected, limit)

    def _rider(self, target: int, room: int) -> bytes:
        """The own row, to go with something else, if `target` has an older one and there is room.

        Nothing may overtake a row that takes a promise back: without room for it, it goes ahead.
        """
        if self._told[target] == self.board.revision:
            return b""
        row = self.board.row(target)
        if len(row) > room:
            if self._told[target] < self.board.fell_at:
                self._tell_now(target)
            return b""
        self._note_told(target)
        return row

    def _tell_now(self, target: int) -> None:
        sender, row = self.senders[target], self.board.row(target)
        self._note_told(target)
        self._rows[target].append(sender.sent)
        frames = sender.send(self._prefix(target, _ROW, b"", 0) + row, self._clock(), free=True)
        self._carry(target, frames, back=False)

    def _note_told(self, target: int) -> None:
        self._due.discard(target)
        self.board.unheard.discard(target)
        self._told[target] = self.board.revision

    # From outside

    def take_frame(self, source: int, frame: bytes | memoryview) -> bool:
        """A frame of the link from `source`, whose memory is nobody else's; whether it brought anything.

        Raises PeerFault.
        """
        arrival = self.receivers[source].receive(frame)
        self._acknowledgements[source].note(arrival, self._clock())
        self.taken += len(arrival.payloads)
        for payload, paid in arrival.payloads:
            self._take(source, payload, paid)
        return bool(arrival.payloads)

    def _take(self, source: int, payload: memoryview, paid: bool) -> None:
        if len(payload) < _PREFIX.size:
            raise PeerFault(f"a payload of {len(payload)} bytes from worker {source}: expected at least {_PREFIX.size}")
        kind, place, before, behind, length, left, expected, limit = _PREFIX.unpack_from(payload)
        row, body = payload[_PREFIX.size : _PREFIX.size + length], payload[_PREFIX.size + length :]
        if kind == _ROW and not paid:
            row = payload[_PREFIX.size :]
        elif kind == _MESSAGE and paid:
            self._unread[source] += len(payload)
            self._join(source, bytes(body), left)
        elif kind == _SLOT and not paid:
            message = bytes(body[: wire.SINGLE])
            if len(body) < wire.SINGLE + before + behind:
                raise PeerFault(f"a slot from worker {source} with {before} + {behind} bytes left out of {len(body)}")
            slot = body[wire.SINGLE + before : len(body) - behind]
            self._land(source, wire.only_entry(message), slot, self._may_stay(source, payload, slot, behind))
            self._arrived[source].append(message)
        else:
            raise PeerFault(f"a payload of kind {kind} from worker {source}, {'with' if paid else 'without'} credits")
        if len(row):
            self.board.update(source, row)
        self._place_there[source] = place
        self.senders[source].acknowledge(expected, limit, self._clock())
        if source in self.board.unheard:  # it tells because it wants to know
            self._due.add(source)

    def _may_stay(self, source: int, payload: memoryview, slot: memoryview, behind: int) -> bool:
        if len(slot) < self._long:
            return False
        place = int(np.frombuffer(payload, np.uint8).__array_interface__["data"][0])
        self._place[source] = place % ALIGNMENT  # of the frame too, whose header is as long
        return (place + len(payload) - behind - len(slot)) % ALIGNMENT == 0

    def _join(self, source: int, piece: bytes, left: int) -> None:
        pieces = self._pieces[source]
        if left or pieces:
            pieces.append(piece)
            if left:
                return
            piece, self._pieces[source] = b"".join(pieces), []
        self._arrived[source].append(piece)

    def take_answer(self, target: int, frame: bytes | memoryview) -> bool:
        """An answer of `target`; whether there is more room than before. Raises PeerFault."""
        return self.senders[target].receive(frame, self._clock())

    def answer(self) -> None:
        """Send the acknowledgements that cannot wait any more for something to go with."""
        self.hurries = False
        now = self._clock()
        for source, acknowledgements in self._acknowledgements.items():
            answer = acknowledgements.take(now)
            if answer is not None:
                self._carry(source, (answer,), back=True)

    def tick(self) -> None:
        """Send what has to be sent (again) by now."""
        for target, sender in self.senders.items():
            if sender.due is not None and not self.board.gone(target) and (frames := sender.tick(self._clock())):
                # Copies: what is sent a second time may be overwritten as soon as the first has arrived.
                self._carry(target, [bytes(frame) for frame in frames], back=False)

    @property
    def due(self) -> int | None:
        """When `tick` or `answer` has something to do; None: never, if nothing arrives before."""
        first: int | None = None
        for worker, sender in self.senders.items():
            due = self._acknowledgements[worker].due
            if due is not None and (first is None or due < first):
                first = due
            due = sender.due
            if due is not None and (first is None or due < first) and not self.board.gone(worker):
                first = due
        return first

    @property
    def settled(self) -> bool:
        """Whether everybody who still wants it has all that was sent."""
        return all(self.board.gone(w) or not (s.unacknowledged or w in self._due) for w, s in self.senders.items())
