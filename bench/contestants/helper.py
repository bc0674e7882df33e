"""A process on a core of its own that works together with the first one, and is asleep between slices."""

from __future__ import annotations

import os
from collections.abc import Callable

__all__ = ["Helper"]

_WORD = 8  # bytes of a number of rounds


class Helper:
    """Forked, and pinned to `core`. It ends when whoever made it does.

    Args:
        core: where it runs.
        prepare: is called in it, once; what it returns is called with the number of rounds of every slice.
    """

    def __init__(self, core: int, prepare: Callable[[], Callable[[int], None]]) -> None:
        orders, self._orders = os.pipe()
        if os.fork() == 0:
            os.close(self._orders)
            os.sched_setaffinity(0, {core})
            work = prepare()
            while order := os.read(orders, _WORD):
                work(int.from_bytes(order))
            os._exit(0)
        os.close(orders)

    def begin(self, rounds: int) -> None:
        """Wake it for so many rounds."""
        os.write(self._orders, rounds.to_bytes(_WORD))
