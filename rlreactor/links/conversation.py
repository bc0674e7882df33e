"""A conversation between two that may be cut off from each other for a while: messages of any length, exactly once and
in order, over frames that may be lost. Bytes in, bytes out, no I/O.

The links' own protocol does the work, once each way. Long messages are cut into pieces, so that signs of life pass
between them.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from typing import Any

from rlreactor import codec
from rlreactor.links.reliable import HEADER, Address, PeerFault, Receiver, Sender, link_of

__all__ = ["LONGEST_FRAME", "Conversation"]

_LEFT = struct.Struct("<Q")  # bytes of the message that are still to come after this piece
_PIECE = 1 << 20
_WINDOW = 8 * (_PIECE + _LEFT.size)
LONGEST_FRAME = HEADER + _LEFT.size + _PIECE


class Conversation:
    """One of the two.

    Args:
        incarnation: a number that grows with every process that takes this part again; equal at both ends.
        first: whether this is the one who began; the other one is not.
        send: takes a frame; it need not arrive.
        clock: ns of any monotonic clock.
    """

    def __init__(
        self, incarnation: int, *, first: bool, send: Callable[[bytes | memoryview], object], clock: Callable[[], int]
    ) -> None:
        out, back = (0, 1) if first else (1, 0)
        self._sender = Sender(Address(0, incarnation, out), window=_WINDOW)
        self._receiver = Receiver(Address(0, incarnation, back), window=_WINDOW)
        self._out = out
        self._send = send
        self._clock = clock
        self._pieces: deque[bytes] = deque()  # that wait for room
        self._arrived: list[bytes] = []  # of a message that is not complete

    def say(self, kind: str, **fields: Any) -> None:
        """Send a message; it waits here until there is room for it."""
        data = codec.pack_leniently({"kind": kind, **fields})
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            self._pieces.append(_LEFT.pack(len(data) - start - len(piece)) + piece)
        self._flush()

    def take(self, frame: bytes | memoryview) -> list[dict[str, Any]]:
        """A frame has come: the messages that are complete with it. Raises PeerFault."""
        if link_of(frame) == self._out:
            self._sender.receive(frame, self._clock())
            self.tick()
            return []
        arrival = self._receiver.receive(frame)
        if not all(paid for _, paid in arrival.payloads):
            raise PeerFault("a piece of a message that costs no credits")
        messages = [message for payload, _ in arrival.payloads for message in self._join(payload)]
        answers = [answer for payload, _ in arrival.payloads for answer in self._receiver.consumed(len(payload))]
        for answer in answers or arrival.answers:
            self._send(answer)
        return messages

    def _join(self, payload: memoryview) -> list[dict[str, Any]]:
        if len(payload) < _LEFT.size:
            raise PeerFault(f"a piece of {len(payload)} bytes: expected at least {_LEFT.size}")
        self._arrived.append(bytes(payload[_LEFT.size :]))
        if _LEFT.unpack_from(payload)[0]:
            return []
        data, self._arrived = b"".join(self._arrived), []
        try:
            message = codec.unpack(data)
        except Exception as error:  # whatever msgpack and our own extensions raise for bytes that are no message
            raise PeerFault(f"a message of {len(data)} bytes that cannot be read: {error}") from error
        if not (isinstance(message, dict) and isinstance(message.get("kind"), str)):
            raise PeerFault(f"a message that is no dict with a kind: {message!r:.80}")
        return [message]

    def _flush(self) -> None:
        while self._pieces and self._sender.has_room(len(self._pieces[0])):
            for frame in self._sender.send(self._pieces.popleft(), self._clock()):
                self._send(frame)

    def tick(self) -> None:
        """Send what is due by now; a few times a second."""
        for frame in self._sender.tick(self._clock()):
            self._send(frame)
        self._flush()

    @property
    def settled(self) -> bool:
        """Whether all that was said has arrived."""
        return not (self._pieces or self._sender.unacknowledged)
