"""The ends of the links between one worker and those it shares no memory with: bytes in, bytes out, no I/O.

Every other worker is reached over two links of the reliable protocol, one each way. Their payloads are a prefix and

- a *row* of the board, free of credits, whose number is bounded here;
- a *message*, or a piece of one: credits bound the bytes that wait to be read, and long messages are cut, so that one
  of any length passes;
- a *slot*: a message that announces a slot, and the slot's bytes. It is free of credits, because the slots themselves
  are: it is sent in place, and lands in the slot of the same number at the other end, which is free there.

All of them are in one order. So whoever has a row has everything that was sent before it was made.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from rlreactor.links import wire
from rlreactor.links.distant_board import DistantBoard
from rlreactor.links.reliable import HEADER, Address, PeerFault, Receiver, Sender

__all__ = ["ROOM", "Carry", "Exchange", "Land", "longest_frame"]

_PREFIX = struct.Struct("<B7xQ16x")  # kind, bytes of the message that are still to come after this piece
_ROW, _MESSAGE, _SLOT = range(3)
_NOTHING_MORE = _PREFIX.pack(_MESSAGE, 0)
_ROW_PREFIX = _PREFIX.pack(_ROW, 0)
_SLOT_PREFIX = _PREFIX.pack(_SLOT, 0)
ROOM = HEADER + _PREFIX.size + wire.SINGLE  # in front of a slot's bytes: a multiple of 64
_ROWS_UNDER_WAY = 64


class Carry(Protocol):
    """Takes frames for a worker; `back`: they answer what came from it."""

    def __call__(self, target: int, frames: Iterable[bytes | memoryview], *, back: bool) -> None: ...


Land = Callable[[int, wire.Entry, memoryview], None]
"""Takes from whom, the entry and the bytes of a slot that arrived. Raises PeerFault."""


def longest_frame(window: int, slots: Iterable[int], row: int) -> int:
    """Bytes of the longest frame of a link, for slots and rows of that many bytes."""
    piece = HEADER + _PREFIX.size + max(longest_piece(window), row)
    return max(piece, ROOM + max(slots, default=0))


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
    ) -> None:
        self.board = board
        self._carry = carry
        self._land = land
        self._clock = clock
        self._rows_under_way = rows_under_way
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
        self._arrived: dict[int, list[bytes]] = {w: [] for w in peers}
        self._pieces: dict[int, list[bytes]] = {w: [] for w in peers}
        self._unread = dict.fromkeys(peers, 0)  # bytes whose credits go back when they are read
        self._rest: dict[int, memoryview | None] = dict.fromkeys(peers)  # of a long message
        self._told = dict.fromkeys(peers, -1)  # revision of the row that went to each
        self._rows: dict[int, deque[int]] = {w: deque() for w in peers}  # rows under way: their numbers
        self._due: set[int] = set()  # rows to send as soon as there are fewer under way
        self._answers: dict[int, bytes] = {}  # the newest answer to each; older ones say less

    # From the worker

    def try_write(self, target: int, parts: Sequence[bytes | memoryview]) -> bool:
        """Take a message; False without room for it. Call `flush` afterwards until it is true."""
        if self._rest[target] is not None and not self.flush(target):
            return False
        message = b"".join(parts)
        if len(message) <= self._longest[target]:
            return self._put(target, _NOTHING_MORE, message)
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

    def send_slot(self, target: int, message: bytes | memoryview, envelope: memoryview) -> None:
        """Send a slot in place: its bytes lie behind `ROOM` bytes of `envelope`, which is this link's alone."""
        self._tell_if_fallen(target)
        envelope[HEADER : HEADER + _PREFIX.size] = _SLOT_PREFIX
        envelope[HEADER + _PREFIX.size : ROOM] = message
        self._carry(target, self.senders[target].send_in_place(envelope, self._clock()), back=False)

    def tell(self, target: int) -> None:
        """Send the own row, unless that has happened since it changed."""
        if self._told[target] == self.board.revision:
            return
        rows, acknowledged = self._rows[target], self.senders[target].acknowledged
        while rows and rows[0] < acknowledged:
            rows.popleft()
        if len(rows) < self._rows_under_way:
            self._tell_now(target)
        else:
            self._due.add(target)

    def tell_each(self, targets: Iterable[int]) -> None:
        """Send the own row to those of them who do not have it."""
        for target in targets:
            self.tell(target)

    def tell_all(self) -> None:
        """Send the own row to everybody who does not have it."""
        self.tell_each(self.senders)

    def waiting(self, source: int) -> bool:
        """Whether something has come from `source`, perhaps only a piece of a message."""
        return bool(self._arrived[source]) or self._unread[source] > 0

    def read(self, source: int) -> list[bytes]:
        """The messages that have come from `source` since the last call."""
        messages, self._arrived[source] = self._arrived[source], []
        self.board.count_received(source, len(messages))
        if self._unread[source]:
            (self._answers[source],) = self.receivers[source].consumed(self._unread[source])
            self._unread[source] = 0
        return messages

    def _put_piece(self, target: int, rest: memoryview) -> bool:
        longest = self._longest[target]
        return self._put(target, _PREFIX.pack(_MESSAGE, max(0, len(rest) - longest)), rest[:longest])

    def _put(self, target: int, prefix: bytes, piece: bytes | memoryview) -> bool:
        sender = self.senders[target]
        payload = b"".join((prefix, piece))
        if not sender.has_room(len(payload)):
            return False
        self._tell_if_fallen(target)
        self._carry(target, sender.send(payload, self._clock()), back=False)
        return True

    def _tell_if_fallen(self, target: int) -> None:
        """Nothing may overtake a row that takes a promise back."""
        if self._told[target] < self.board.fell_at:
            self._tell_now(target)

    def _tell_now(self, target: int) -> None:
        sender = self.senders[target]
        self._due.discard(target)
        self._told[target] = self.board.revision
        self._rows[target].append(sender.sent)
        self._carry(target, sender.send(_ROW_PREFIX + self.board.row(target), self._clock(), free=True), back=False)

    # From outside

    def take_frame(self, source: int, frame: bytes | memoryview) -> bool:
        """A frame of the link from `source`; whether it brought anything. Raises PeerFault."""
        arrival = self.receivers[source].receive(frame)
        for payload, paid in arrival.payloads:
            self._take(source, payload, paid)
        for answer in arrival.answers:
            self._answers[source] = answer
        return bool(arrival.payloads)

    def _take(self, source: int, payload: memoryview, paid: bool) -> None:
        if len(payload) < _PREFIX.size:
            raise PeerFault(f"a payload of {len(payload)} bytes from worker {source}: expected at least {_PREFIX.size}")
        kind, left = _PREFIX.unpack_from(payload)
        body = payload[_PREFIX.size :]
        if kind == _ROW and not paid:
            self.board.update(source, body)
            self.tell(source)  # it tells because it wants to know
        elif kind == _MESSAGE and paid:
            self._unread[source] += len(payload)
            self._join(source, bytes(body), left)
        elif kind == _SLOT and not paid:
            message = bytes(body[: wire.SINGLE])
            self._land(source, wire.only_entry(message), body[wire.SINGLE :])
            self._arrived[source].append(message)
        else:
            raise PeerFault(f"a payload of kind {kind} from worker {source}, {'with' if paid else 'without'} credits")

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
        grown = self.senders[target].receive(frame, self._clock())
        if target in self._due:
            self.tell(target)
        return grown

    def answer(self) -> None:
        """Send the answers to what has come since the last call."""
        while self._answers:
            source, answer = self._answers.popitem()
            self._carry(source, (answer,), back=True)

    def tick(self) -> None:
        """Send what has to be sent (again) by now."""
        for target, sender in self.senders.items():
            if sender.due is not None and not self.board.gone(target) and (frames := sender.tick(self._clock())):
                # Copies: what is sent a second time may be overwritten as soon as the first has arrived.
                self._carry(target, [bytes(frame) for frame in frames], back=False)

    @property
    def due(self) -> int | None:
        """When `tick` has something to do; None: never, if nothing arrives before."""
        dues = [s.due for w, s in self.senders.items() if not self.board.gone(w)]
        return min((due for due in dues if due is not None), default=None)

    @property
    def settled(self) -> bool:
        """Whether everybody who still wants it has all that was sent."""
        return all(self.board.gone(w) or not (s.unacknowledged or w in self._due) for w, s in self.senders.items())
