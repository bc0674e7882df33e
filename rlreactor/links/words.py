"""Shared words, and the only place that knows about memory order; `words.c` is the same in C.

Workers tell each other things (how far a ring is written, who sleeps) in int64 words of a shared
segment. Every word has exactly one writer; there are no locks and no read-modify-write operations
in shared memory. What the rest of `links` relies on:

*One access is one access.* A word lies at a multiple of 8 bytes. `words.c` reads and writes it with one atomic access;
as it stands here, it is an item of `memoryview.cast("q")`, whose access is a copy of 8 bytes of known size: one `mov`.
x86-64 makes aligned 8-byte loads and stores atomic. A reader sees an old or a new value, never half of each.

*Order, as x86-64 gives it (total store order).* Loads are not reordered with loads, stores not with
stores, and a store is never moved before an earlier load. So "write the payload, then store its
number" needs no barrier on the writer's side, and "load the number, then read the payload" none on
the reader's. The interpreter adds no reordering of its own: every access is a separate call through
a pointer, which no compiler can move. Writes by numpy may use streaming stores for large copies;
the C library ends those with a store fence before it returns.

*The one exception*: a store may still sit in the store buffer when a later load of *another* word
runs. Two sides that each store their own word and then look at the other's (sleeper: "I sleep" then
"any news?"; ringer: "news" then "does it sleep?") may both see the old value, and a wake-up is
lost. Between such a store and such a load stands `fence()`.

On a machine with a weaker order (ARM) every publishing store and every observing load would need a
barrier as well. Python offers none that is cheap enough, so `Words` refuses to work there.
"""

from __future__ import annotations

import mmap
import os
import platform
import threading
from typing import Final, overload

from rlreactor.errors import LinkError

__all__ = ["CACHE_LINE", "WORD", "Words", "fence"]

WORD: Final = 8  # bytes
CACHE_LINE: Final = 64  # bytes; words of different writers lie on different lines
_TOTAL_STORE_ORDER: Final = ("x86_64", "AMD64")

_lock = threading.Lock()


def fence() -> None:
    """A full barrier: every earlier store is visible to all before any later load runs.

    Taking and releasing an uncontended lock executes locked instructions, which are full barriers
    on x86-64.
    """
    _lock.acquire()  # no `with`: this is run several times for every message
    _lock.release()


def _unlock_in_child() -> None:
    global _lock
    _lock = threading.Lock()  # another thread may have held it while this process was forked


os.register_at_fork(after_in_child=_unlock_in_child)


def require_total_store_order(machine: str) -> None:
    """Raises LinkError on a machine whose memory order is weaker than what stands above."""
    if machine not in _TOTAL_STORE_ORDER:
        raise LinkError(
            f"links in shared memory rely on the memory order of x86-64; this machine is "
            f"{machine!r}: choose the ipc carrier"
        )


class Words:
    """`count` int64 words at byte `offset` of a mapping. Raises LinkError when they do not fit.

    `words[i]` is one aligned access, and so is `words[i] = value`, which raises TypeError on a read-only mapping and
    ValueError for a value beyond 64 bits. A slice is a part of the same words. What lies outside is an IndexError.
    """

    __slots__ = ("_bytes", "_cells")

    def __init__(self, mapping: mmap.mmap, offset: int = 0, count: int = 1) -> None:
        require_total_store_order(platform.machine())
        end = offset + count * WORD
        if offset < 0 or offset % WORD or count < 1 or end > len(mapping):
            raise LinkError(
                f"{count} words at byte {offset}: expected a multiple of {WORD} and an end within {len(mapping)} bytes"
            )
        self._bytes = memoryview(mapping)[offset:end]
        self._cells = self._bytes.cast("q")

    def __len__(self) -> int:
        return len(self._cells)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Words: ...
    def __getitem__(self, index: int | slice) -> int | Words:
        if isinstance(index, slice):
            return self._part(self._cells[index])
        return self._cells[self._inside(index)]

    def _part(self, cells: memoryview[int]) -> Words:
        if not cells or not cells.contiguous:
            raise ValueError("a part of words: expected at least one, and all between its ends")
        part = object.__new__(Words)
        part._cells, part._bytes = cells, cells.cast("B")
        return part

    def __setitem__(self, index: int, value: int) -> None:
        self._cells[self._inside(index)] = value

    def _inside(self, index: int, count: int = 1, size: int = 1) -> int:
        if index < 0 or index > len(self._cells) * size - count or count < 0:
            raise IndexError(f"from {index}, {count}: outside of {len(self._cells)} words")
        return index

    def load(self, index: int, /) -> int:
        """One word."""
        return self[index]

    def store(self, index: int, value: int, /) -> None:
        """Set one word."""
        self[index] = value

    def several(self, index: int, count: int, /) -> tuple[int, ...]:
        """Words that follow each other."""
        self._inside(index, count)
        return tuple(self._cells[index : index + count])

    def fill(self, index: int, /, *values: int) -> None:
        """Set words that follow each other, in order."""
        self._inside(index, len(values))
        for at, value in enumerate(values, index):
            self._cells[at] = value

    def copy(self, at: int, length: int, /) -> bytes:
        """A copy of so many bytes, from byte `at` on."""
        self._inside(at, length, WORD)
        return bytes(self._bytes[at : at + length])

    def put(self, at: int, data: bytes | memoryview, /) -> None:
        """Copy bytes to byte `at` of them."""
        self._inside(at, len(data), WORD)
        self._bytes[at : at + len(data)] = data
