"""Slots that have ended, as their engine says, and those that cannot be reached."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from rlreactor.deployment.engine import StartedSlots
from rlreactor.deployment.job import Job
from rlreactor.deployment.switchboard import Switchboard

__all__ = ["SlotWatch"]

_LOOK_S = 0.25
_LAST_WORDS_S = 2.0  # of a slot that has ended: what it said may still be on its way


class SlotWatch:
    """Looks after the slots of one job."""

    def __init__(self, job: Job, lines: Switchboard, slots: StartedSlots) -> None:
        self._count = len(job.slots)
        self._limit = job.options.unreachable_limit
        self._lines = lines
        self._slots = slots
        self._gone: dict[int, float] = {}  # since when
        self._due = 0.0

    def lost(self, has_said_all: Callable[[int], bool]) -> Iterator[tuple[int, str]]:
        """Slots that are gone without having said all, and how; looks a few times a second, if asked more often."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + _LOOK_S
        for slot in range(self._count):
            if self._lines.joined(slot) and self._lines.silent_s(slot) > self._limit and slot not in self._gone:
                self._gone[slot] = now
                yield slot, f"nothing was heard of it for {self._limit:g} s"
        for slot, how in self._slots.ended().items():
            if now - self._gone.setdefault(slot, now) > _LAST_WORDS_S and not has_said_all(slot):
                yield slot, how

    def expected(self) -> set[int]:
        """Those that may still say goodbye."""
        ended = self._slots.ended().keys()
        return {s for s in range(self._count) if self._lines.joined(s) and s not in self._gone and s not in ended}
