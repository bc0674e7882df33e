"""When a slot is free again: once every reader of its port has finished with it.

Each reading worker counts, in a word of its own, how many slots it has finished with, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rlreactor.links.released import Count

__all__ = ["SlotRoom"]


class SlotRoom:
    """Of `count` slots that are taken in turn.

    Args:
        released: per reading worker, what counts its finished slots.
        wait: called again and again while no slot is free, with the worker that holds the oldest.
    """

    def __init__(
        self, count: int, released: Sequence[tuple[int, Count]], wait: Callable[[int, Callable[[], bool]], None]
    ) -> None:
        self._count = count
        self._released = released
        self._wait = wait

    def beyond(self, taken: int) -> int:
        """How many may have been taken since the start: more than `taken`, for which it waits."""
        while (most := self._most()) <= taken:
            self._wait_for_one(taken)
        return most

    def _wait_for_one(self, taken: int) -> None:
        holder = self._holder()
        self._wait(holder, lambda: self._most() > taken or self._holder() != holder)

    def _most(self) -> int:
        return min([count.load(0) for _, count in self._released]) + self._count

    def _holder(self) -> int:
        """The worker that still needs the oldest slot."""
        return min(self._released, key=lambda entry: entry[1].load(0))[0]
