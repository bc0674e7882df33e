"""The control channel between the supervisor and one worker of the same host: framed plain data over a socket pair."""

from __future__ import annotations

import socket
import struct
import threading
from typing import Any

from rlreactor import codec

__all__ = ["Channel", "Closed"]

_LENGTH = struct.Struct("<Q")


class Closed(Exception):
    """The other end is gone."""


class Channel:
    """One end. Messages are dicts with a "kind"."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._buffer = bytearray()
        self._sending = threading.Lock()

    @staticmethod
    def pair() -> tuple[Channel, Channel]:
        """Two connected ends."""
        one, other = socket.socketpair()
        return Channel(one), Channel(other)

    def fileno(self) -> int:
        """For selectors."""
        return self._socket.fileno()

    def send(self, kind: str, **fields: Any) -> None:
        """Send a message, from any thread; waits while the other end is slow. Raises Closed."""
        data = codec.pack_leniently({"kind": kind, **fields})
        try:
            with self._sending:
                self._socket.sendall(_LENGTH.pack(len(data)) + data)
        except OSError as error:
            raise Closed from error

    def receive(self) -> list[dict[str, Any]]:
        """Every message that is complete by now. Raises Closed when the other end is gone."""
        try:
            # Without waiting: a child that a reactor forked may keep the worker's end open after the worker's death.
            data = self._socket.recv(1 << 20, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        except ConnectionError as error:
            raise Closed from error
        if not data:
            raise Closed
        self._buffer += data
        messages: list[dict[str, Any]] = []
        while len(self._buffer) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._buffer)[0]
            if len(self._buffer) < end:
                break
            messages.append(codec.unpack(bytes(self._buffer[_LENGTH.size : end])))
            del self._buffer[:end]
        return messages

    def close(self) -> None:
        """Close this end."""
        self._socket.close()
