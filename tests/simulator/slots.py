"""Slots whose re-use shows: what a reader sees in a slot turns into rubbish when the writer takes it again.

Each reader sees arrays of its own, equal to what was written. `detach_if_held` is when the reader lets go of them: then
they keep their contents for ever, as with `SlotMemory`. When the writer takes a slot that somebody has not let go of,
those arrays are spoilt, and if that reader still runs, this is an error at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rlreactor.spec import Record, Spec

__all__ = ["SharedSlots", "SlotReused", "SlotsOfReader", "SlotsOfWriter"]


class SlotReused(AssertionError):
    """The writer took a slot that a reader had not let go of."""


class SharedSlots:
    """The memory of one port."""

    def __init__(self, path: str, spec: Spec[Any], count: int, gone: Callable[[int], bool]) -> None:
        self.path = path
        self.spec = spec
        self.count = count
        self.gone = gone  # whether a worker has left
        self.contents: list[Any] = [None] * count
        self.views: list[dict[int, Any]] = [{} for _ in range(count)]  # per slot: reader → what it sees

    def take(self, index: int) -> None:
        """The writer is about to write there."""
        for reader, value in self.views[index].items():
            _spoil(value)
            if not self.gone(reader):
                raise SlotReused(f"slot {index} of {self.path} is written while worker {reader} still reads it")
        self.views[index].clear()


def _arrays(value: Any) -> list[Any]:
    return [array for _, array in value] if isinstance(value, Record) else [value]


def _spoil(value: Any) -> None:
    for array in _arrays(value):
        array.setflags(write=True)
        array.view(np.uint8).fill(0xA5) if array.ndim else array.fill(77)
        array.setflags(write=False)


class SlotsOfWriter:
    """What the writer has in place of a `SlotMemory`."""

    def __init__(self, shared: SharedSlots, point: Callable[[], None]) -> None:
        self._shared = shared
        self._point = point
        self.count = shared.count

    def detach_if_held(self, index: int) -> bool:
        """The writer begins anew with this slot."""
        self._point()
        self._shared.take(index)
        return False

    def writable(self, index: int) -> Any:
        """A value to be filled; what is left of the old one is rubbish."""
        value = self._shared.spec.empty()
        for array in _arrays(value):
            array.fill(-9)
        self._shared.contents[index] = value
        return value

    def freeze(self, index: int) -> None:
        """The value was given away."""
        self._point()
        self._shared.spec.freeze(self._shared.contents[index])


class SlotsOfReader:
    """What a reader has in place of a `SlotMemory`."""

    def __init__(self, shared: SharedSlots, me: int, point: Callable[[], None]) -> None:
        self._shared = shared
        self._me = me
        self._point = point
        self.count = shared.count

    def readable(self, index: int) -> Any:
        """What lies in the slot."""
        self._point()
        value = self._shared.spec.private_copy(self._shared.contents[index])
        self._shared.spec.freeze(value)
        self._shared.views[index][self._me] = value
        return value

    def detach_if_held(self, index: int) -> bool:
        """Let go: what was read from the slot is private from here."""
        self._point()
        self._shared.views[index].pop(self._me, None)
        return False
