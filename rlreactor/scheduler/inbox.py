"""Events from outside the logical world: stamped under a lock by the wall clock, taken in by the scheduler.

Whoever takes the lock and reads the clock knows that every event stamped later has a later tag. That is what lets a
worker promise "nothing before now" although any thread may schedule at any moment.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from rlreactor.scheduler.queue import Target
from rlreactor.tag import Point

__all__ = ["Inbox", "Stamped"]


class Stamped(NamedTuple):
    """An event with the tag that it was given."""

    tag: Point
    target: Target
    stored: Any


class Inbox:
    """Events that were stamped and not yet taken.

    Args:
        now: wall clock, ns since the start of the run.
        wake: ends the scheduler's sleep.
    """

    def __init__(self, now: Callable[[], int], wake: Callable[[], None]) -> None:
        self._now = now
        self._wake = wake
        self._lock = threading.Lock()
        self._events: list[Stamped] = []
        self._last = -1  # the latest time of day that was given: two calls give two tags
        self.closed = False
        self.waiting = False
        """Whether there is something to take."""

    def put(self, target: Target, stored: Any, delay: int) -> None:
        """Stamp an event with now + `delay` ns; from any thread. Nothing happens after the stop."""
        with self._lock:
            if self.closed:
                return
            self._last = max(self._now(), self._last + 1, 0)
            self._events.append(Stamped((self._last + delay, 0), target, stored))
            self.waiting = True
        self._wake()

    def take(self) -> tuple[list[Stamped], int]:
        """What has come, and a time that everything stamped from now on lies after."""
        with self._lock:
            events, self._events = self._events, []
            self.waiting = False
            self._last = max(self._last, self._now())
            return events, self._last
