"""The storage of a port in slots that all its readers see: what is usual goes the short way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rlreactor.lent import Lent
from rlreactor.links.released import Count
from rlreactor.links.slot_lender import IS_OPEN, SlotLender
from rlreactor.links.slot_room import SlotRoom
from rlreactor.links.slots import SlotMemory
from rlreactor.links.slotted import Slotted, SlottedStorage
from rlreactor.links.words import Words
from rlreactor.spec import Spec

__all__ = ["NearStorage", "slotted_storage"]

Wait = Callable[[int, Callable[[], bool]], None]


class NearStorage(SlotLender):
    """Does the same as a `SlottedStorage`."""

    def __init__(
        self, spec: Spec[Any], memory: SlotMemory[Any], released: Sequence[tuple[int, Words]], wait: Wait
    ) -> None:
        super().__init__(memory.lents, tuple([words for _, words in released]))
        self._spec = spec
        self._memory = memory
        self._room = SlotRoom(memory.count, released, wait)

    def _await_room(self) -> None:
        self._room.beyond(self.taken)

    def _copy(self, value: Any) -> Lent:
        checked = self._spec.checked(value)
        self._spec.fill(self._memory.writable(self.current), checked)
        self._spec.freeze(checked)
        return self._memory.lents[self.current]

    def _detach(self, slot: int) -> None:
        self._memory.detach_if_held(slot)

    def _spare(self) -> Any:
        return self._spec.empty()


def slotted_storage(
    spec: Spec[Any], memory: SlotMemory[Any], released: Sequence[tuple[int, Count]], wait: Wait
) -> Slotted:
    """The storage of a port in slots: the short way where all its readers share the memory."""
    seen = [(reader, count) for reader, count in released if type(count) is Words]
    if IS_OPEN and len(seen) == len(released):
        return NearStorage(spec, memory, seen, wait)
    return SlottedStorage(spec, memory, released, wait)
