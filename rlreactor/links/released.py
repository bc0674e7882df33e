"""How many slots a reader has finished with, where it shares no memory with the writer: told in the reader's row."""

from __future__ import annotations

from typing import Final

from rlreactor.links.distant_board import DistantBoard
from rlreactor.links.words import Words

__all__ = ["ALL", "Count", "ReleasedHere", "ReleasedThere"]

ALL: Final = 2**62  # slots that a reader has finished with who has left


class ReleasedHere:
    """The reader's end, for one port of `writer`, which has so many `slots`.

    The writer is not told of each: as long as it has half of them, it does not wait for any.
    """

    def __init__(self, board: DistantBoard, writer: int, port: int, slots: int) -> None:
        self._board = board
        self._writer = writer
        self._port = port
        self._count = 0
        self._share = max(1, slots // 2)
        self._told_at = 0

    def load(self, index: int, /) -> int:
        """What was stored last."""
        return self._count

    def store(self, index: int, value: int, /) -> None:
        """Tell it with the next row."""
        self._count = value
        news = value - self._told_at >= self._share
        if news:
            self._told_at = value
        self._board.finish_slots(self._writer, self._port, value, news=news)


class ReleasedThere:
    """The writer's end, for one reader of a port."""

    def __init__(self, board: DistantBoard, reader: int, port: int) -> None:
        self._board = board
        self._reader = reader
        self._port = port

    def load(self, index: int, /) -> int:
        """What `reader` has told."""
        return ALL if self._board.gone(self._reader) else self._board.finished_slots(self._reader, self._port)

    def store(self, index: int, value: int, /) -> None:
        """Only the reader counts."""
        raise TypeError("the count of a reader's finished slots is the reader's to store")


Count = Words | ReleasedHere | ReleasedThere
"""How many slots a reader has finished with: the reader stores it, the writer loads it."""
