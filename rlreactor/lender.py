"""Lends values of memory that is used again, and takes them back: what a reaction does with most of its values.

`lender.c` is the same in C.
"""

from __future__ import annotations

from typing import Any

from rlreactor.lent import Lent

__all__ = ["Lender"]


class Lender:
    """Of one port. `values` are all that may be lent, whoever holds them.

    Attributes:
        stored: the bytes of the value that was stored last.
    """

    __slots__ = ("_lent", "_next", "_values", "stored")

    def __init__(self, values: list[Lent]) -> None:
        self._values = values
        self._next = 0
        self._lent: Lent | None = None
        self.stored = memoryview(b"")

    def empty(self) -> Any:
        """A value that nobody refers to."""
        lent = self._lent = self._free() or self._another()
        lent.thaw()
        return lent.value

    def store(self, value: Any) -> Any:
        """The value that `empty` lent, from now on read-only, or a copy of any other."""
        lent = self._lent
        if lent is None or value is not lent.value:
            lent = self._copy(value)
        lent.freeze()
        self._lent = None
        self.stored = lent.memory
        return lent.value

    def _free(self) -> Lent | None:
        for _ in self._values:
            self._next = (self._next + 1) % len(self._values)
            if not self._values[self._next].is_held():
                return self._values[self._next]
        return None

    # Whatever is not usual

    def _another(self) -> Lent:
        """One that nobody refers to, when all are held."""
        raise NotImplementedError

    def _copy(self, value: Any) -> Lent:
        """Any other value, in memory that is lent."""
        raise NotImplementedError
