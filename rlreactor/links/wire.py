"""The wire format: bytes in, messages out, no I/O.

A *notice* tells what a worker sends at one tag: a head and any number of entries. The head says more than the tag: with
`rank` it is a frontier, and whatever the sender sends before that was sent before this notice or is in it. An entry is
a value under way: its port and where it lies. dtype and shape are not on the wire, the spec of the port knows them; the
length is checked against it before anything is made.

`wire.c` is the same in C.
"""

from __future__ import annotations

import struct
from typing import Final

from rlreactor.errors import LinkError
from rlreactor.tag import Point

__all__ = ["DRY", "ENTRY", "HEAD", "SINGLE", "STOP", "Entry", "entry", "head", "inline", "only_entry", "parse"]

_HEAD: Final = struct.Struct("<qQQ")  # time, microstep, rank
_FIRST: Final = struct.Struct("<qQQIi")  # a head and the fixed part of an entry
_ENTRY: Final = struct.Struct("<Ii")  # port, then the slot, or -1 - n where n bytes follow, filled up to 8s
HEAD: Final = _HEAD.size
"""Bytes of a notice before its entries."""
ENTRY: Final = _ENTRY.size
"""Bytes of an entry, without the bytes of its value."""
SINGLE: Final = HEAD + ENTRY
"""Bytes of a notice with one entry, without the bytes of its value."""

_LONGEST: Final = 0x7FFFFFFE
_NOTHING: Final = memoryview(b"")
_PADDING: Final = [bytes(-length & 7) for length in range(8)]
STOP: Final = 0xFFFFFFFF  # in place of a port: the program stops at this tag
DRY: Final = 0xFFFFFFFE  # in place of a port: it stops at this tag because nothing is left to happen


Entry = tuple[int, int, bytes | memoryview]
"""One value: its port (an index), and the slot in which it lies, or a negative number and its bytes."""


def head(tag: Point, rank: int = 0) -> bytes:
    """The head of a notice."""
    return _HEAD.pack(tag[0], tag[1], rank)


def entry(port: int, slot: int) -> bytes:
    """The entry of a value that lies in a slot."""
    return _ENTRY.pack(port, slot)


def inline(port: int, payload: bytes | memoryview) -> bytes:
    """The entry of a value that goes with it. Raises LinkError for more than 2 GiB."""
    length = len(payload)
    if length > _LONGEST:
        raise LinkError(f"a value of {length} bytes: a message takes {_LONGEST}; declare an Array, or send parts")
    return b"".join((_ENTRY.pack(port, -1 - length), payload, _PADDING[length & 7]))


def parse(notice: bytes) -> tuple[Point, int, list[Entry]]:
    """Tag, rank and entries.

    Raises LinkError for something that is no notice.
    """
    end = len(notice)
    if end < SINGLE:
        raise LinkError(f"a notice of {end} bytes: expected at least {SINGLE}")
    time, microstep, rank, port, slot = _FIRST.unpack_from(notice)
    if time < 0:
        raise LinkError(f"a malformed notice: time {time}, {end} bytes")
    at, entries = SINGLE, list[Entry]()
    while True:
        if slot >= 0:
            entries.append((port, slot, _NOTHING))
        else:
            size = -1 - slot
            if size > end - at:
                raise LinkError(f"a malformed notice of {end} bytes: port {port}, {size} bytes from byte {at} on")
            entries.append((port, slot, memoryview(notice)[at : at + size]))
            at += size + 7 & -8
        if at >= end:
            return (time, microstep), rank, entries
        if end - at < ENTRY:
            raise LinkError(f"a malformed notice of {end} bytes: {end - at} bytes after its last entry")
        port, slot = _ENTRY.unpack_from(notice, at)
        at += ENTRY


def only_entry(notice: bytes) -> Entry:
    """The entry of a notice that has one. Raises LinkError for any other."""
    if len(notice) < SINGLE:
        raise LinkError(f"a notice of {len(notice)} bytes: expected at least {SINGLE}")
    port, slot = _ENTRY.unpack_from(notice, HEAD)
    return port, slot, memoryview(notice)[SINGLE:]
