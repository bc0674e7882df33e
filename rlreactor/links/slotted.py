"""Payloads in shared slots: the storage of a port that other workers read, and the other end of it.

The writer takes slots in turn (`slot_room.py` says when one is free again). A reader is finished with a slot at the end
of the tag at which its value arrived, or, where a value is held, when the next one has taken its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from rlreactor.links.landing import Landing
from rlreactor.links.released import ALL, Count
from rlreactor.links.slot_room import SlotRoom
from rlreactor.links.slots import SlotMemory
from rlreactor.pool import arrays_over, value_of
from rlreactor.spec import ALIGNMENT, Spec
from rlreactor.storage import Storage

__all__ = ["Lease", "SlotReader", "Slotted", "SlottedStorage"]


class Slotted(Storage, Protocol):
    """Storage of a root port in slots.

    Attributes:
        taken: slots, since the start.
    """

    @property
    def taken(self) -> int: ...

    def sent(self) -> int:
        """The slot whose number goes to the readers now."""
        ...


class SlottedStorage:
    """Storage of a root port in shared slots.

    Args:
        spec: of the port.
        memory: its slots, writable here.
        released, wait: see `SlotRoom`.
    """

    def __init__(
        self,
        spec: Spec[Any],
        memory: SlotMemory[Any],
        released: Sequence[tuple[int, Count]],
        wait: Callable[[int, Callable[[], bool]], None],
    ) -> None:
        self._spec = spec
        self._memory = memory
        self._room = SlotRoom(memory.count, released, wait)
        self.taken = 0  # slots taken since the start
        self._most = memory.count  # `_taken` may grow to this
        self._lent: Any = None
        self._given = False  # this tag's value lies in the current slot
        self.stored = memoryview(b"")
        self.current: int | None = None  # the slot of this tag's value, until it is sent

    def empty(self) -> Any:
        """The next slot itself, or ordinary memory when this tag's value lies in it already. May wait for readers."""
        self._lent = self._spec.empty() if self._given else self._slot()
        return self._lent

    def store(self, value: Any) -> Any:
        """The slot's value: the one that `empty` lent, or a copy of any other."""
        stored = self._copy(value) if value is not self._lent or self._given else value
        self._lent = None
        self._given = True
        assert self.current is not None
        self._memory.freeze(self.current)
        self.stored = self._memory.memory(self.current)
        return stored

    def _copy(self, value: Any) -> Any:
        """What lies in the slot of this tag's value once that is copied to it."""
        stored = self._slot()
        assert self.current is not None
        if not self._memory.copies(self.current, value):
            checked = self._spec.checked(value)
            self._spec.fill(stored, checked)
            self._spec.freeze(checked)
        return stored

    def _slot(self) -> Any:
        """The slot of this tag's value, writable."""
        if self.current is None:
            self.current = self._take()
        else:
            self._memory.detach_if_held(self.current)
        return self._memory.writable(self.current)

    def sent(self) -> int:
        """The slot whose number goes to the readers now."""
        assert self.current is not None
        index, self.current = self.current, None
        self._given = False
        return index

    def _take(self) -> int:
        if self.taken >= self._most:
            self._most = self._room.beyond(self.taken)
        index = self.taken % self._memory.count
        self.taken += 1
        self._memory.detach_if_held(index)
        return index


class Lease:
    """A received slot that is still needed `uses` times (once per delay that the port has on this worker)."""

    __slots__ = ("index", "reader", "uses")

    def __init__(self, reader: SlotReader, index: int, uses: int) -> None:
        self.reader = reader
        self.index = index
        self.uses = uses

    def drop(self) -> None:
        """One use is over."""
        self.uses -= 1
        if self.uses == 0:
            self.reader.finish(self.index)


class SlotReader:
    """The slots of one remote port as a reading worker sees them."""

    def __init__(
        self,
        spec: Spec[Any],
        memory: SlotMemory[Any],
        released: Count,
        ring: Callable[[], None],
        landing: Landing | None = None,
    ) -> None:
        self._spec = spec
        self._memory = memory
        self._released = released
        self._ring = ring  # wakes the writer
        self._landing = landing  # where the slots come from a writer that shares no memory with this worker
        self._received = 0
        self._count = 0  # slots finished, in order
        self._finished = bytearray(memory.count)

    def receive(self, index: int) -> Any:
        """The value in a slot that was announced."""
        self._received += 1
        frame = None if self._landing is None else self._landing.take(index)
        if frame is None:
            return self._memory.readable(index)
        return value_of(self._spec, arrays_over(self._spec, frame))

    @property
    def full(self) -> bool:
        """Whether this worker holds every slot, so that the writer has to wait for it."""
        return self._received - self._count >= self._memory.count

    def private(self, value: Any) -> Any:
        """A copy that needs no slot."""
        memory = np.empty(self._spec.nbytes + ALIGNMENT, np.uint8)
        start = -int(memory.__array_interface__["data"][0]) % ALIGNMENT  # where slots start too: for the same bits
        copy = self._spec.view(memory[start : start + self._spec.nbytes])
        self._spec.fill(copy, value)
        self._spec.freeze(copy)
        return copy

    def leave(self) -> None:
        """This worker reads no more: the writer need not wait for it. What somebody here still holds stays as it is."""
        for index in range(self._memory.count):
            self._memory.detach_if_held(index)
        self._released.store(0, ALL)
        self._ring()

    def finish(self, index: int) -> None:
        """The slot is not needed any more. Slots are given back in the order in which they came."""
        self._finished[index] = 1
        given_back = False
        while self._count < self._received and self._finished[oldest := self._count % self._memory.count]:
            self._memory.detach_if_held(oldest)
            self._finished[oldest] = 0
            self._count += 1
            given_back = True
        if given_back:
            self._released.store(0, self._count)
            self._ring()
