"""Reliable delivery over a carrier that may lose, repeat and reorder frames: bytes in, events out, no I/O.

One `Sender` and one `Receiver` make a link in one direction; frames of the reverse stream carry acknowledgements and
credits. The rules:

*Order.* Frames are numbered from 0. The receiver delivers number n only after n - 1, drops whatever is not next, and
answers everything with the number that it expects (a cumulative acknowledgement, so that a lost one does not matter).
Only a gap, a probe and what came twice have to be answered at once; the rest may be acknowledged together, or by
whatever goes back anyway (`Receiver.state`, `Sender.acknowledge`).

*Resending.* The sender retains what is not acknowledged. A frame behind one that is missing is answered with a gap:
then the sender sends all that it retains again (go-back-N), once for each gap. When nothing has been acknowledged for a
while it asks, with a probe that counts as the next frame; so a lost last frame is a gap too, and a receiver that was
only busy is not sent its megabytes twice. Each time without an answer it waits twice as long, up to a limit.

*Credits.* The receiver says how many payload bytes it has room for, counted from the beginning of the link, so that
this too may get lost or arrive twice. Frames that are `free` cost none: they carry what must pass even then, and
whoever sends them bounds their number by `Sender.unacknowledged`. A sender without credits and without frames under
way probes now and then, because the frame that brought new credits may have been the last one, and lost.

*Fencing.* A link is known by (run, epoch, link). After a restart both ends begin a new epoch; frames of another epoch
are dropped. A frame of another run or link was never meant for us: that is the peer's fault.

Time is an argument, in ns of any monotonic clock.
"""

from __future__ import annotations

import struct
from collections import deque
from typing import Final, NamedTuple, TypeVar

from rlreactor.errors import LinkError

__all__ = [
    "HEADER",
    "Address",
    "Arrival",
    "Frame",
    "OurFault",
    "PeerFault",
    "Receiver",
    "Sender",
    "epoch_of",
    "link_of",
]

AnyFrame = TypeVar("AnyFrame", bytes, memoryview)

_FIELDS: Final = struct.Struct("<2sBBIIIQQQ")  # magic, version, kind, length, epoch, link, run, number, limit
HEADER: Final = 64  # bytes; the payload starts at a multiple of 64 wherever the frame does
_MAGIC: Final = b"rl"
_VERSION: Final = 2
_PADDING: Final = bytes(HEADER - _FIELDS.size)
_DATA: Final = 0
_FREE: Final = 1
_PROBE: Final = 2
_ANSWER: Final = 3
_GAP: Final = 4
_TIMEOUT_NS: Final = 20_000_000
_LONGEST_TIMEOUT_NS: Final = 500_000_000


class OurFault(LinkError):
    """This side used the link in a way that the protocol does not allow."""


class PeerFault(LinkError):
    """The other side sent what the protocol does not allow; the link is of no more use."""


class Address(NamedTuple):
    """Which link, in which run, since which restart."""

    run: int
    epoch: int
    link: int


class Frame:
    """A frame, taken apart. `number` is its own, or the expected one in an answer; `limit` counts payload bytes."""

    def __init__(self, kind: int, epoch: int, number: int, limit: int, payload: memoryview) -> None:
        self.kind = kind
        self.epoch = epoch
        self.number = number
        self.limit = limit
        self.payload = payload


def _header(address: Address, kind: int, length: int, number: int, limit: int) -> bytes:
    fields = _FIELDS.pack(
        _MAGIC, _VERSION, kind, length, address.epoch, address.link, address.run, number, limit
    )  # fmt: skip
    return fields + _PADDING


def _check_length(data: bytes | memoryview) -> None:
    if len(data) < HEADER:
        raise PeerFault(f"a frame of {len(data)} bytes: expected a header of {HEADER}")


def _parse(address: Address, data: bytes | memoryview) -> Frame:
    """A frame of this link, of any epoch. Raises PeerFault for anything else."""
    _check_length(data)
    magic, version, kind, length, epoch, link, run, number, limit = _FIELDS.unpack_from(data)
    if magic != _MAGIC or version != _VERSION:
        raise PeerFault(f"a frame of protocol {magic!r} {version}: expected {_MAGIC!r} {_VERSION}")
    if (run, link) != (address.run, address.link):
        raise PeerFault(f"a frame for run {run}, link {link}: expected run {address.run}, link {address.link}")
    if kind > _GAP or length != len(data) - HEADER or (kind > _FREE and length):
        raise PeerFault(f"a frame of kind {kind} and {len(data)} bytes announces a payload of {length}")
    return Frame(kind, epoch, number, limit, memoryview(data)[HEADER:])


def link_of(data: bytes | memoryview) -> int:
    """The link that a frame says it belongs to, before anything of it is believed. Raises PeerFault."""
    return _field(data, 5)


def epoch_of(data: bytes | memoryview) -> int:
    """The epoch that it says it belongs to. Raises PeerFault."""
    return _field(data, 4)


def _field(data: bytes | memoryview, index: int) -> int:
    _check_length(data)
    return int(_FIELDS.unpack_from(data)[index])


class Sender:
    """The sending end.

    Args:
        address: of the link; equal at both ends.
        window: payload bytes that the receiver grants at first; equal at both ends.
        timeout: ns without an acknowledgement after which the sender asks what has come.
        longest_timeout: to which that grows while nothing is heard.
    """

    def __init__(
        self,
        address: Address,
        *,
        window: int,
        timeout: int = _TIMEOUT_NS,
        longest_timeout: int = _LONGEST_TIMEOUT_NS,
    ) -> None:
        self.address = address
        self.window = window
        self._limit = window
        self._spent = 0  # payload bytes sent since the beginning
        self._next = 0
        self._retained: deque[bytes | memoryview] = deque()  # the last of them is number `_next - 1`
        self._blocked = False  # somebody asked for room in vain
        self._gap = False  # the first retained frame is missing
        self._again: int | None = None  # the number from which everything was sent again, since the last probe
        self._timeout = self._patience = timeout
        self._longest_timeout = longest_timeout
        self._quiet_since = 0

    @property
    def unacknowledged(self) -> int:
        """Frames that are retained."""
        return len(self._retained)

    @property
    def acknowledged(self) -> int:
        """How many frames have been acknowledged since the beginning."""
        return self._next - len(self._retained)

    @property
    def sent(self) -> int:
        """How many frames have been sent since the beginning."""
        return self._next

    @property
    def room(self) -> int:
        """Payload bytes that may be sent now."""
        return self._limit - self._spent

    def has_room(self, length: int) -> bool:
        """Whether a payload of `length` bytes may be sent now. After False, `tick` looks after new credits."""
        self._blocked = self._spent + length > self._limit
        return not self._blocked

    def send(self, payload: bytes | memoryview, now: int, *, free: bool = False) -> list[bytes]:
        """The frames that carry `payload`. Raises OurFault without room for it."""
        if not free:
            if len(payload) > self.window:
                raise OurFault(f"a payload of {len(payload)} bytes on a link with a window of {self.window}")
            if not self.has_room(len(payload)):
                raise OurFault(f"a payload of {len(payload)} bytes with room for {self.room}")
            self._spent += len(payload)
        header = _header(self.address, _FREE if free else _DATA, len(payload), self._next, 0)
        return [self._retain(b"".join((header, payload)), now)]

    def send_in_place(self, frame: memoryview, now: int) -> list[memoryview]:
        """The frame whose payload, which costs no credits, lies behind `HEADER` bytes of room for the header.

        Nothing is copied: the payload must not change before it is acknowledged, or known to be of no use any more.
        """
        frame[:HEADER] = _header(self.address, _FREE, len(frame) - HEADER, self._next, 0)
        return [self._retain(frame, now)]

    def _retain(self, frame: AnyFrame, now: int) -> AnyFrame:
        if not self._retained:
            self._rest(now)
        self._next += 1
        self._retained.append(frame)
        return frame

    def receive(self, data: bytes | memoryview, now: int) -> bool:
        """Take in an answer; whether there is more room than before. Raises PeerFault."""
        frame = _parse(self.address, data)
        if frame.kind not in (_ANSWER, _GAP):
            raise PeerFault(f"a frame of kind {frame.kind} on the reverse stream of link {self.address.link}")
        if frame.epoch != self.address.epoch:
            return False
        grown = self.acknowledge(frame.number, frame.limit, now)
        if frame.kind == _GAP and frame.number == self.acknowledged != self._again:
            self._gap = True
        return grown

    def acknowledge(self, number: int, limit: int, now: int) -> bool:
        """What an answer says, whatever brought it; whether there is more room than before. Raises PeerFault."""
        if number > self._next:
            raise PeerFault(f"frame {number} is expected and the next to be sent is {self._next}")
        acknowledged = number - self.acknowledged
        for _ in range(acknowledged):
            self._retained.popleft()
        if acknowledged > 0:
            self._rest(now)
        grown = limit > self._limit
        if grown:
            self._limit = limit
            self._blocked = False
        return grown

    def tick(self, now: int) -> list[bytes | memoryview]:
        """The frames to send (again), when it is time for that."""
        if self._gap:
            self._gap = False
            self._again = self.acknowledged
            self._quiet_since = now
            # Copies: what was sent in place may be there twice then, and the first to arrive sets its memory free.
            return [bytes(frame) for frame in self._retained]
        if self.due is None or now < self.due:
            return []
        self._again = None
        self._quiet_since = now
        self._patience = min(2 * self._patience, self._longest_timeout)
        return [_header(self.address, _PROBE, 0, self._next, 0)]

    @property
    def due(self) -> int | None:
        """When `tick` has something to do, if nothing arrives before; None: nothing is awaited."""
        if self._gap:
            return self._quiet_since
        return self._quiet_since + self._patience if self._retained or self._blocked else None

    def _rest(self, now: int) -> None:
        self._quiet_since = now
        self._patience = self._timeout
        self._gap = False


class Arrival(NamedTuple):
    """What a frame brought: payloads in order (with whether they cost credits), and frames to send back."""

    payloads: list[tuple[memoryview, bool]]
    answers: list[bytes]


_NOTHING: Final = Arrival([], [])


class Receiver:
    """The receiving end. The arguments are those of the `Sender`."""

    def __init__(self, address: Address, *, window: int) -> None:
        self.address = address
        self.fenced = 0  # frames of other epochs
        self._window = window
        self._limit = window
        self._spent = 0
        self._expected = 0

    def receive(self, data: bytes | memoryview) -> Arrival:
        """Take in a frame. Raises PeerFault."""
        frame = _parse(self.address, data)
        if frame.kind in (_ANSWER, _GAP):
            raise PeerFault(f"an answer on the forward stream of link {self.address.link}")
        if frame.epoch != self.address.epoch:
            self.fenced += 1
            return _NOTHING
        payloads: list[tuple[memoryview, bool]] = []
        if frame.kind != _PROBE and frame.number == self._expected:
            self._expected += 1
            if frame.kind == _DATA:
                self._charge(len(frame.payload))
            payloads.append((frame.payload, frame.kind == _DATA))
        return Arrival(payloads, [self.answer(_GAP if frame.number > self._expected else _ANSWER)])

    def consumed(self, length: int) -> list[bytes]:
        """`length` more bytes of payloads that cost credits are done with: frames that return the credits."""
        if self._limit + length > self._spent + self._window:
            raise OurFault(f"{length} bytes consumed beyond the {self._spent} that were delivered")
        self._limit += length
        return [self.answer()]

    def _charge(self, length: int) -> None:
        self._spent += length
        if self._spent > self._limit:
            raise PeerFault(
                f"link {self.address.link}: {self._spent} payload bytes sent with credits for {self._limit}"
            )

    @property
    def state(self) -> tuple[int, int]:
        """What an answer says now: the number that is expected, and for how many payload bytes there are credits."""
        return self._expected, self._limit

    def answer(self, kind: int = _ANSWER) -> bytes:
        """The frame that says it."""
        return _header(self.address, kind, 0, self._expected, self._limit)
