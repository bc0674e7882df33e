"""Values that are used again: the memory of a port whose values nobody outside the worker reads.

Making a value means making its arrays, and that takes ten times as long as filling small ones. So a port keeps a few
values and lends the oldest again once nobody refers to it (`lent.py` tells). A value that somebody keeps stays as it is
for ever; another one takes its place.
"""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlreactor.lent import Lent
from rlreactor.record import Record
from rlreactor.spec import ALIGNMENT, Spec, Struct

__all__ = ["Pool", "aligned_memory", "arrays_over", "value_of"]

_LARGE = 1 << 16  # bytes from which memory comes from the kernel directly
_MOST = 8  # values that a port keeps: those in flight over its delays, and one to fill

Arrays = tuple[NDArray[Any], ...]


def aligned_memory(length: int) -> memoryview:
    """Zeros that start at a multiple of 64 bytes, as slots do: numpy may sum in another order elsewhere."""
    if length >= _LARGE:
        return memoryview(mmap.mmap(-1, length))  # a page is taken when it is first touched
    memory = bytearray(length + ALIGNMENT)
    start = -int(np.frombuffer(memory, np.uint8).__array_interface__["data"][0]) % ALIGNMENT
    return memoryview(memory)[start : start + length]


def arrays_over(spec: Spec[Any], buffer: Any, start: int = 0) -> Arrays:
    """The arrays of a value that lies in `buffer` from byte `start` on."""
    return tuple(
        np.ndarray(field.shape, field.dtype, buffer=buffer, offset=start + field.offset) for field in spec.fields
    )


def value_of(spec: Spec[Any], arrays: Arrays) -> Any:
    """The value that consists of these arrays."""
    if not isinstance(spec, Struct):
        return arrays[0]
    return Record(**{field.name: array for field, array in zip(spec.fields, arrays, strict=True)})


class Pool:
    """Values of `spec`, which has a fixed size; `frozen` ones are written through their memory only.

    Attributes:
        values: all that are kept, lent or not.
    """

    def __init__(self, spec: Spec[Any], *, frozen: bool = False) -> None:
        self._spec = spec
        self._frozen = frozen
        self.values: list[Lent] = []
        self._next = 0

    def take(self) -> Lent:
        """A value that nobody refers to. Its contents are those of an earlier one, its arrays as they were left."""
        values = self.values
        for _ in values:
            index = self._next = (self._next + 1) % len(values)
            lent = values[index]
            if not lent.is_held():
                return lent
        lent = self._new()
        if len(values) < _MOST:
            values.append(lent)
        else:
            values[self._next] = lent  # the one that was there belongs to whoever holds it
        return lent

    def _new(self) -> Lent:
        memory = aligned_memory(self._spec.nbytes)
        arrays = arrays_over(self._spec, memory)
        lent = Lent(value_of(self._spec, arrays), arrays, memory)
        if self._frozen:
            lent.freeze()
        lent.settle()
        return lent
