"""Tags as they are hashed: one after another, each as msgpack writes a pair of numbers.

`packed_tags.c` is the same in C.
"""

from __future__ import annotations

from typing import Any, cast

import msgpack

from rlreactor.tag import Point

__all__ = ["PackedTags"]

_pack = cast("Any", msgpack.packb)  # msgpack ships no types


class PackedTags:
    """Gathers tags, and gives their bytes."""

    __slots__ = ("_tags",)

    def __init__(self) -> None:
        self._tags: list[Point] = []

    def append(self, tag: Point, /) -> None:
        """Add a tag; its numbers are not negative."""
        if min(tag) < 0:
            raise ValueError(f"expected numbers from 0 on, received {tag}")
        self._tags.append(tag)

    def take(self) -> bytes:
        """The bytes of all that were added, which are forgotten."""
        packed = b"".join([_pack(tag) for tag in self._tags])
        self._tags.clear()
        return packed

    def __len__(self) -> int:
        return len(self._tags)
