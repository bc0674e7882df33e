"""Shared words with the memory order that `links/words.py` counts on, and no better.

A store stays in its worker's store buffer for a while, where only that worker sees it; buffers empty in order (total
store order), at the latest at a fence or when the worker goes to sleep. Everything else is as in `Words`, so the real
board, rings and doorbells run on these.
"""

from __future__ import annotations

import copy
import mmap
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from rlreactor.links import board, near_rows, ring, words

from .simulation import Simulation

__all__ = ["SimulatedWords", "simulated_words"]


class SimulatedWords:
    """Stands for `Words`. What is not a word of its own, but announced by one, is there at once."""

    def __init__(self, simulation: Simulation, mapping: mmap.mmap, offset: int = 0, count: int = 1) -> None:
        self._simulation = simulation
        self._words = words.Words(mapping, offset, count)
        self._cells = memoryview(mapping)[offset : offset + 8 * count].cast("q")
        self.fill, self.copy, self.put = self._words.fill, self._words.copy, self._words.put

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            part = copy.copy(self)
            part._cells = self._cells[index]
            return part
        self._simulation.point()
        return self._simulation.load(self._cells, index)

    def __setitem__(self, index: int, value: int) -> None:
        self._simulation.point()
        self._simulation.store(self._cells, index, value)

    def several(self, index: int, count: int) -> tuple[int, ...]:
        self._simulation.point()
        return tuple(self._simulation.load(self._cells, i) for i in range(index, index + count))

    def load(self, index: int) -> int:
        value: int = self[index]
        return value

    def store(self, index: int, value: int) -> None:
        self[index] = value


class _Fence:
    """Stands for the lock whose taking is a fence."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def acquire(self) -> None:
        self._simulation.fence()

    def release(self) -> None:
        pass


@contextmanager
def simulated_words(simulation: Simulation) -> Generator[None]:
    """Boards and rings that are made here use simulated words, and fences are those of the simulation."""

    def make(mapping: mmap.mmap, offset: int = 0, count: int = 1) -> SimulatedWords:
        return SimulatedWords(simulation, mapping, offset, count)

    fence = _Fence(simulation)
    with patch.object(words, "_lock", fence), ExitStack() as stack:
        for module in (board, near_rows, ring):
            stack.enter_context(patch.object(module, "Words", make))
        yield
