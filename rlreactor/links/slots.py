"""The payload memory of one output port: a few slots, one writer, any number of reading processes.

The arrays over every slot are made once; a tag then only fills them or reads them.

Values never change, also when a reader keeps one: `self.seen.append(self.batch.value)`. But the
slot it lies in is about to be written again, and copying every value would cost what shared memory
is to save. So a process looks, before it lets a slot go (`detach_if_held`), whether anybody still
refers to the slot's arrays (`lent.py`). If somebody does, the slot's addresses become private memory
with the same bytes (`pages.py`), so that what was kept keeps its place and contents for ever, and the
slot is mapped again elsewhere. That is why each slot is a mapping of its own.

A reader that keeps value after value would pay that price, and one of the kernel's 65,530 mappings,
each time. After `KEEPER` in a row it is given copies, which are cheaper. Copies start at a multiple
of 64 bytes like slots do, for the sake of the same bits.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

import numpy as np

from rlreactor.errors import LinkError
from rlreactor.lent import Lent
from rlreactor.links.pages import make_private, map_pages
from rlreactor.links.segment import PAGE, Segment, round_up
from rlreactor.pool import arrays_over, value_of
from rlreactor.spec import ALIGNMENT, Spec

__all__ = ["KEEPER", "SlotMemory", "slot_stride"]

T = TypeVar("T")

KEEPER = 32  # values kept in a row after which a reader is given copies


def slot_stride(spec: Spec[Any]) -> int:
    """Bytes from one slot to the next, in whole pages. Raises LinkError if no size is fixed."""
    if not spec.fields:
        raise LinkError(f"{spec} has no fixed size and cannot lie in slots; it travels as bytes")
    return max(PAGE, round_up(spec.nbytes, PAGE))


class SlotMemory(Generic[T]):
    """`count` slots of `spec` at byte `offset` of a segment, as this process sees them.

    One process maps them `writable` and calls `writable` and `freeze`; the others call `readable`.
    All call `detach_if_held` before the slot is used again, a reader before it reports the tag as
    finished. `detached` counts how often somebody held on. The segment stays open as long as this
    is in use. Raises LinkError when the slots do not fit or cannot be mapped.
    """

    def __init__(self, segment: Segment, offset: int, spec: Spec[T], count: int, writable: bool) -> None:
        self.stride = slot_stride(spec)
        self.count = count
        self.detached = 0
        self._segment = segment
        self._offset = offset
        self._spec = spec
        self._is_writer = writable
        self._check_place()
        self._values: list[Any] = [None] * count
        self._kept = 0  # values in a row
        self.readable: Callable[[int], T] = self._values.__getitem__
        self._mappings: list[mmap.mmap] = []
        self.lents: list[Lent] = []
        for index in range(count):
            self._map(index)

    def _check_place(self) -> None:
        end = self._offset + self.count * self.stride
        fits = 0 <= self._offset < end <= self._segment.size
        if self.count < 1 or self._offset % PAGE or not fits:
            raise LinkError(
                f"{self.count} slots of {self.stride} bytes at byte {self._offset} of "
                f"{self._segment!r}: expected at least one slot, an offset that is a multiple of "
                f"{PAGE} and an end within the segment"
            )

    def writable(self, index: int) -> T:
        """The slot's value, to be filled in place. Only in the process that writes.

        It holds what was written there some tags ago. `detach_if_held` comes first.
        """
        self.lents[index].thaw()
        return cast(T, self._values[index])

    def copies(self, index: int, value: Any) -> bool:
        """Copy an array to a slot that is writable and lies in memory like it; whether it does (see `Lent.copies`)."""
        return self.lents[index].copies(value)

    def freeze(self, index: int) -> None:
        """Makes the arrays given out by `writable` read-only: the value was given away.

        Views that were taken before stay writable, as numpy has it.
        """
        self.lents[index].freeze()

    def memory(self, index: int) -> memoryview:
        """The bytes of the slot's value."""
        return self.lents[index].memory

    def detach_if_held(self, index: int) -> bool:
        """Whether somebody still held the slot's value; then it is theirs, the slot has another.

        Holding is any reference outside this object: a port's or a caller's variable too, so clear
        those first. Raises LinkError when memory for the copy cannot be had.
        """
        if not self.lents[index].is_held():
            self._kept = 0
            return False
        make_private(self._mappings[index])
        self._map(index)
        self.detached += 1
        self._kept += 1
        if self._kept == KEEPER and not self._is_writer:
            self.readable = self._copy
        return True

    def _map(self, index: int) -> None:
        offset = self._offset + index * self.stride
        mapping = map_pages(self._segment, offset, self.stride, self._is_writer)
        arrays = arrays_over(self._spec, mapping)
        lent = Lent(value_of(self._spec, arrays), arrays, memoryview(mapping)[: self._spec.nbytes], mapping)
        self._mappings[index : index + 1] = [mapping]
        self.lents[index : index + 1] = [lent]
        self._values[index] = lent.value
        del mapping
        lent.settle()

    def _copy(self, index: int) -> T:
        """The slot's value in private memory."""
        length = self._spec.nbytes
        memory = np.empty(length + ALIGNMENT, np.uint8)  # an array: what lies over one cannot be made writable again
        start = -int(memory.__array_interface__["data"][0]) % ALIGNMENT
        memory[start : start + length] = self.lents[index].memory
        memory.setflags(write=False)
        return cast(T, value_of(self._spec, arrays_over(self._spec, memory, start)))
