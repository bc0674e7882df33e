"""The wire format: bytes in, messages out, no I/O.

A message is a fixed header and a payload. dtype and shape are not on the wire, the spec of the port
knows them; the length is checked against it before anything is made.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from rlreactor.errors import LinkError
from rlreactor.tag import Point

__all__ = ["DRY", "HEADER", "INLINE", "STOP", "Message", "decode", "encode", "fields", "payload", "place"]

HEADER = struct.Struct("<IiqQQ")  # port, slot, time, microstep, rank
_LENGTH = HEADER.size
_unpack = HEADER.unpack_from
PLACE = struct.Struct("<Ii")  # how it begins
INLINE = -1  # in place of a slot: the payload follows the header
STOP = 0xFFFFFFFF  # in place of a port: the program stops at this tag
DRY = 0xFFFFFFFE  # in place of a port: it stops at this tag because nothing is left to happen


class Message(NamedTuple):
    """One value under way: from which port (its index), sent at which tag, in which slot or with which bytes.

    `rank` completes the tag to a frontier: whatever the sender sends before it was sent before this message, or is it.
    """

    port: int
    slot: int
    tag: Point
    rank: int
    payload: memoryview


def encode(port: int, slot: int, tag: Point, rank: int = 0) -> bytes:
    """The header of a message."""
    return HEADER.pack(port, slot, tag[0], tag[1], rank)


def place(header: bytes | memoryview) -> tuple[int, int]:
    """The port and the slot of a message."""
    return PLACE.unpack_from(header)


def fields(data: bytes) -> tuple[int, int, Point, int]:
    """Port, slot, tag and rank of a message. Raises LinkError for something that is none."""
    if len(data) < _LENGTH:
        raise LinkError(f"a message of {len(data)} bytes: expected a header of {_LENGTH} bytes")
    port, slot, time, microstep, rank = _unpack(data)
    if time < 0 or slot < INLINE or (slot != INLINE and len(data) != _LENGTH):
        raise LinkError(f"a malformed message: port {port}, slot {slot}, time {time}, {len(data)} bytes")
    return port, slot, (time, microstep), rank


def payload(data: bytes) -> memoryview:
    """The bytes of the value in a message."""
    return memoryview(data)[_LENGTH:]


def decode(data: bytes) -> Message:
    """A message from its bytes. Raises LinkError for something that is none."""
    return Message(*fields(data), payload(data))
