"""Wall clocks, behind one small interface so that tests and the simulator bring their own."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from rlreactor.tag import Tag

__all__ = ["Clock", "FastClock", "VirtualClock", "WallClock"]


class Clock(Protocol):
    """What a scheduler needs to know about real time; all times in ns since the start of the run."""

    def now(self) -> int:
        """Time passed since tag (0, 0)."""
        ...

    def pause(self, tag: Tag) -> int:
        """How long to wait before `tag` may be processed; 0 or less: go on."""
        ...

    def sleep(self, duration: int) -> None:
        """Let `duration` pass, or less when something happens."""
        ...


class WallClock:
    """Paces a run by the machine's monotonic clock, which all processes of a host share.

    Args:
        start: `time.monotonic_ns()` at tag (0, 0).
        sleeper: sleeps for some seconds or until an event comes from outside.
    """

    def __init__(self, start: int, sleeper: Callable[[float], None] = time.sleep) -> None:
        self._start = start
        self._sleeper = sleeper

    def now(self) -> int:
        return time.monotonic_ns() - self._start

    def pause(self, tag: Tag) -> int:
        return tag.time - self.now()

    def sleep(self, duration: int) -> None:
        self._sleeper(duration * 1e-9)


class FastClock(WallClock):
    """Never waits: logical time runs as fast as the machine allows."""

    def pause(self, tag: Tag) -> int:
        return 0


class VirtualClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0

    def now(self) -> int:
        return self.time

    def pause(self, tag: Tag) -> int:
        return tag.time - self.time

    def sleep(self, duration: int) -> None:
        self.time += duration
