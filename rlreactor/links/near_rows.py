"""Rows of a `DistantBoard` in memory that the workers of one host share.

Where some workers of a run share memory and others do not, all of them keep the same kind of row; near ones read each
other's here instead of waiting for a message, and so does the supervisor. Each row is written by its worker alone, in
a few generations, so that a reader always finds one whole: it copies the newest and looks whether it was overwritten
meanwhile.
"""

from __future__ import annotations

import mmap
from typing import Final

from rlreactor.links.segment import round_up
from rlreactor.links.status import pack_running, unpack_running
from rlreactor.links.words import CACHE_LINE, WORD, Words
from rlreactor.tag import Point

__all__ = ["NearRows"]

_GENERATIONS: Final = 4
_VERSION: Final = 0
_RUNNING: Final = 1
_AT: Final = 2


class NearRows:
    """The rows of `workers` workers, of `length` bytes each, at byte `offset` of a mapping writable for all of them."""

    def __init__(self, mapping: mmap.mmap, offset: int, workers: int, length: int) -> None:
        self._mapping = mapping
        self._length = length
        self._stride = _stride(length)
        self._starts = [offset + worker * _room(length) for worker in range(workers)]
        self._newest = [Words(mapping, start, 3) for start in self._starts]  # version (0: none yet), running, at

    @staticmethod
    def size(workers: int, length: int) -> int:
        """Bytes that the rows of `workers` workers need."""
        return workers * _room(length)

    def version(self, worker: int) -> int:
        """Changes with every row of `worker`."""
        return self._newest[worker][_VERSION]

    def set_running(self, worker: int, rank: int, tag: Point) -> None:
        """Say which reaction `worker` runs: too often for a whole row."""
        cells = self._newest[worker]
        cells[_AT], cells[_RUNNING] = tag[0], pack_running(rank, tag[1])

    def running(self, worker: int) -> tuple[int, Point] | None:
        """The rank and the tag of the reaction that `worker` runs, or ran last."""
        cells = self._newest[worker]
        return unpack_running(cells[_RUNNING], cells[_AT])

    def write(self, worker: int, row: bytes) -> None:
        """Replace a row. Only by its own worker."""
        version = self._newest[worker][_VERSION] + 1
        place = self._place(worker, version)
        self._mapping[place : place + WORD + self._length] = version.to_bytes(WORD, "little") + row
        self._newest[worker][_VERSION] = version

    def read(self, worker: int) -> tuple[int, bytes]:
        """The newest row of `worker` and its version, which is not 0."""
        while True:
            version = self._newest[worker][_VERSION]
            place = self._place(worker, version)
            copy = self._mapping[place : place + WORD + self._length]
            whole = int.from_bytes(copy[:WORD], "little") == version
            if whole and self._newest[worker][_VERSION] - version < _GENERATIONS - 1:
                return version, copy[WORD:]

    def _place(self, worker: int, version: int) -> int:
        return self._starts[worker] + CACHE_LINE + version % _GENERATIONS * self._stride


def _stride(length: int) -> int:
    return round_up(WORD + length, CACHE_LINE)


def _room(length: int) -> int:
    return CACHE_LINE + _GENERATIONS * _stride(length)
