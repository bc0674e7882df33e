"""Bytes that wait to be hashed, one after another: of values, and of tags and numbers, as msgpack writes them.

`gathering.c` is the same in C.
"""

from __future__ import annotations

from typing import Any, cast

import msgpack

from rlreactor.codec import NUMBERS
from rlreactor.tag import Point

__all__ = ["Gathering"]

_pack = cast("Any", msgpack.packb)  # msgpack ships no types


class Gathering:
    """Takes bytes when it is called, and tags and numbers by `append`.

    `bytes()` of it is what has gathered, `len()` how much.
    """

    __slots__ = ("_gathered",)

    def __init__(self) -> None:
        self._gathered = bytearray()

    def __call__(self, data: bytes | memoryview, /) -> None:
        """Add bytes."""
        self._gathered += data

    def append(self, given: Point | float | None, /) -> None:
        """Add a tag or a number, which may be a bool or None; the digits of an int that has more than 64 bits.

        Raises ValueError for a tag before the start, TypeError for anything else.
        """
        if isinstance(given, tuple) and min(given) < 0:
            raise ValueError(f"expected numbers from 0 on, received {given}")
        if not isinstance(given, tuple) and type(given) not in NUMBERS:
            raise TypeError(f"expected a tag or a number, received {given!r}")
        self._gathered += _pack(given, default=str)

    def take(self) -> bytes:
        """What has gathered, which begins anew."""
        taken = bytes(self._gathered)
        self._gathered.clear()
        return taken

    def __bytes__(self) -> bytes:
        return bytes(self._gathered)

    def __len__(self) -> int:
        return len(self._gathered)
