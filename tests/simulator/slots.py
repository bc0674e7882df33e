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
        self._envelopes: list[tuple[int, list[bytearray]]] = []  # where the bytes begin, and those of every slot
        self._landings: dict[int, list[bytearray]] = {}

    def envelopes(self, room: int) -> list[bytearray]:
        """The bytes of every slot with some room on either side, for one link."""
        pages = [bytearray(room + self.spec.nbytes + room) for _ in range(self.count)]
        self._envelopes.append((room, pages))
        return pages

    def landing(self, reader: int) -> list[bytearray]:
        """Where the slots arrive at a reader that is far away."""
        return self._landings.setdefault(reader, [bytearray(self.spec.nbytes) for _ in range(self.count)])

    def arrived(self, index: int, reader: int) -> Any:
        """What has arrived there."""
        if reader in self.views[index]:
            raise SlotReused(f"slot {index} of {self.path} arrived while worker {reader} still read it")
        return self.spec.decode(bytes(self._landings[reader][index]))

    def given(self, index: int) -> None:
        """What the writer gave away lies in the slot."""
        self._enclose(index, self.spec.encode(self.contents[index]))

    def _enclose(self, index: int, data: bytes) -> None:
        for begin, pages in self._envelopes:
            pages[index][begin : begin + len(data)] = data

    def take(self, index: int) -> None:
        """The writer is about to write there."""
        self._enclose(index, b"\xa5" * self.spec.nbytes)
        for reader, value in self.views[index].items():
            if reader in self._landings:
                continue
            _spoil(value)
            if not self.gone(reader):
                raise SlotReused(f"slot {index} of {self.path} is written while worker {reader} still reads it")
        self.views[index] = {r: value for r, value in self.views[index].items() if r in self._landings}


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

    def copies(self, index: int, value: Any) -> bool:
        """Whether it copies an array by itself: the spec does that here."""
        return False

    def memory(self, index: int) -> memoryview:
        """The bytes of the slot."""
        return memoryview(self._shared.spec.encode(self._shared.contents[index]))

    def freeze(self, index: int) -> None:
        """The value was given away."""
        self._point()
        self._shared.spec.freeze(self._shared.contents[index])
        self._shared.given(index)


class SlotsOfReader:
    """What a reader has in place of a `SlotMemory`."""

    def __init__(self, shared: SharedSlots, me: int, point: Callable[[], None], *, distant: bool = False) -> None:
        self._shared = shared
        self._me = me
        self._distant = distant
        self._point = point
        self.count = shared.count

    def readable(self, index: int) -> Any:
        """What lies in the slot."""
        self._point()
        shared = self._shared
        contents = shared.arrived(index, self._me) if self._distant else shared.contents[index]
        value = self._shared.spec.private_copy(contents)
        self._shared.spec.freeze(value)
        self._shared.views[index][self._me] = value
        return value

    def detach_if_held(self, index: int) -> bool:
        """Let go: what was read from the slot is private from here."""
        self._point()
        self._shared.views[index].pop(self._me, None)
        return False
