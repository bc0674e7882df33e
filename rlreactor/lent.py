"""One value of memory that is used again: whether anybody still refers to it, and whether it can be written now.

`lent.c` is the same in C: in Python, each question costs as much as filling a small array.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import getrefcount
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from rlreactor.record import Record

__all__ = ["Lent"]


class Lent:
    """A value over `memory`, and the arrays that it consists of.

    Reference counts tell whether anybody holds it: a slice, a field, a memoryview or a tensor over an array all hold
    that array, because numpy makes it the `base` of every view (and looks no further, since its own base is no array).
    A weak reference does not count.

    Args:
        value: a record or an array.
        arrays: those of the value, in the order of its spec. Raises TypeError for anything else.
        memory: their bytes.
        more: whatever else somebody could hold.
    """

    __slots__ = ("_arrays", "_set_writable", "_unheld", "_watched", "memory", "value")

    def __init__(self, value: Any, arrays: tuple[NDArray[Any], ...], memory: memoryview, *more: object) -> None:
        for array in arrays:
            if not isinstance(array, np.ndarray):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError(f"expected a tuple of arrays, received {arrays!r}")
        self.value = value
        self.memory = memory
        self._arrays = arrays
        record = (value, value.__dict__) if isinstance(value, Record) else ()
        self._watched: tuple[object, ...] = (*more, *record, *arrays)
        # Called by position, which numpy's own types do not know of: half the price.
        self._set_writable: tuple[Callable[[bool], None], ...] = tuple(
            [cast("Any", array).setflags for array in arrays]
        )
        self._unheld = 0

    def settle(self) -> None:
        """As it is now, nobody holds it: not even the caller, in a variable."""
        self._unheld = sum(map(getrefcount, self._watched))

    def is_held(self) -> bool:
        """Whether anybody holds the value, or a part of it."""
        return sum(map(getrefcount, self._watched)) != self._unheld

    def thaw(self) -> None:
        """Make its arrays writable."""
        for set_writable in self._set_writable:
            set_writable(True)

    def freeze(self) -> None:
        """Make its arrays read-only. Views that were taken before stay writable, as numpy has it."""
        for set_writable in self._set_writable:
            set_writable(False)

    def copies(self, value: Any) -> bool:
        """Copy an array that lies in memory like its own, and make it read-only: it was given away. Whether it does.

        Whatever else fits the port is for its spec to copy, and to refuse what does not.
        """
        own = self.value
        if type(value) is not np.ndarray or type(own) is not np.ndarray:
            return False
        if value.dtype is not own.dtype or value.shape != own.shape or not value.flags.c_contiguous:
            return False
        own[...] = value
        value.flags.writeable = False
        return True
