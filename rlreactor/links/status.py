"""What a worker lets the others know about itself, and the reaction that it runs, as one word."""

from __future__ import annotations

from typing import Final, NamedTuple

from rlreactor.tag import FOREVER, Point

__all__ = ["Snapshot", "Status", "StatusFields", "pack_running", "unpack_running"]

_MICROSTEPS: Final = 0x7FFFFFFF


class Status(NamedTuple):
    """How far a worker is.

    `frontier` (time, microstep, rank): everything it sends before that has been sent. `head`: the
    earliest event it has, of all it has received. `last`: the last tag it processed. `received`:
    messages it has taken in.
    """

    frontier: tuple[int, int, int]
    head: Point
    last: Point
    received: int

    @staticmethod
    def initial() -> Status:
        """Before the first tag."""
        return Status((0, 0, 0), (0, 0), (0, -1), 0)

    @staticmethod
    def finished(last: Point, received: int) -> Status:
        """After the stop."""
        return Status((FOREVER.time, 0, 0), FOREVER, last, received)


StatusFields = tuple[tuple[int, int, int], Point, Point, int]
"""A status without its name: what is published at every tag had better cost no more than a tuple."""


class Snapshot(NamedTuple):
    """All workers at one moment: their statuses, whether nothing was under way, and what each had sent to this one."""

    statuses: list[Status]
    quiet: bool
    sent_here: list[int]


def pack_running(rank: int, microstep: int) -> int:
    """A rank and a microstep in one word that is not 0. Of later microsteps, the lowest 31 bits."""
    return (microstep & _MICROSTEPS) << 32 | rank + 1


def unpack_running(word: int, time: int) -> tuple[int, Point] | None:
    """The rank and the tag in such a word, None for 0."""
    return ((word & _MICROSTEPS) - 1, (time, word >> 32)) if word else None
