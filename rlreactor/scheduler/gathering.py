"""Bytes that wait to be hashed, one after another: of values, and of tags, as msgpack writes a pair of numbers.

`gathering.c` is the same in C.
"""

from __future__ import annotations

from typing import Any, cast

import msgpack

from rlreactor.tag import Point

__all__ = ["Gathering"]

_pack = cast("Any", msgpack.packb)  # msgpack ships no types


class Gathering:
    """Takes bytes when it is called, and tags by `append`. `bytes()` of it is what has gathered, `len()` how much."""

    __slots__ = ("_gathered",)

    def __init__(self) -> None:
        self._gathered = bytearray()

    def __call__(self, data: bytes | memoryview, /) -> None:
        """Add bytes."""
        self._gathered += data

    def append(self, tag: Point, /) -> None:
        """Add a tag. Raises ValueError for a number below 0."""
        if min(tag) < 0:
            raise ValueError(f"expected numbers from 0 on, received {tag}")
        self._gathered += _pack(tag)

    def take(self) -> bytes:
        """What has gathered, which begins anew."""
        taken = bytes(self._gathered)
        self._gathered.clear()
        return taken

    def __bytes__(self) -> bytes:
        return bytes(self._gathered)

    def __len__(self) -> int:
        return len(self._gathered)
