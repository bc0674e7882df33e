"""Lends slots of shared memory in turn, where all that read them share that memory.

As it stands nothing is lent here: `SlottedStorage` does the same for any kind of memory, and `slot_lender.c` what is
usual where the slots are those of a `SlotMemory`.
"""

from __future__ import annotations

from typing import Any

from rlreactor.lender import Lender
from rlreactor.lent import Lent
from rlreactor.links.words import Words

__all__ = ["IS_OPEN", "SlotLender"]

IS_OPEN = False
"""Whether it lends any: in C only."""


class SlotLender(Lender):
    """Of one port.

    Args:
        slots: by index; an item changes when somebody holds its value.
        released: what each reader counts; see `slot_room.py`.

    Attributes:
        taken: slots, since the start.
        current: the slot of this tag's value until it is sent; -1: there is none.
    """

    taken: int
    current: int

    def __init__(self, slots: list[Lent], released: tuple[Words, ...]) -> None:
        super().__init__(slots)

    def sent(self) -> int:
        """The slot whose number goes to the readers now."""
        raise NotImplementedError

    # Whatever is not usual

    def _await_room(self) -> None:
        """Wait until a slot is free."""
        raise NotImplementedError

    def _copy(self, value: Any) -> Lent:
        """Copy any value that fits the port into the current slot."""
        raise NotImplementedError

    def _detach(self, slot: int) -> None:
        """Leave a slot's value to whoever holds it, and put another one in its place."""
        raise NotImplementedError

    def _spare(self) -> Any:
        """A value in other memory, which is copied when it is stored."""
        raise NotImplementedError
