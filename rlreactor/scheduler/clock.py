"""Wall clocks, behind one small interface so that tests and the simulator bring their own."""

from __future__ import annotations

import threading
import time
from typing import Protocol

from rlreactor.tag import Tag

__all__ = ["Clock", "FastClock", "VirtualClock", "WallClock"]


class Clock(Protocol):
    """What a scheduler needs to know about real time; all times in ns since the start of the run."""

    paced: bool  # False: no tag is ever waited for

    def now(self) -> int:
        """Time passed since tag (0, 0)."""
        ...

    def pause(self, tag: Tag) -> int:
        """How long to wait before `tag` may be processed; 0 or less: go on."""
        ...

    def sleep(self, duration: int) -> None:
        """Let `duration` pass, or less when somebody calls `wake`."""
        ...

    def wake(self) -> None:
        """End a sleep; from any thread."""
        ...


class WallClock:
    """Paces a run by the machine's monotonic clock, which all processes of a host share.

    Args:
        start: `time.monotonic_ns()` at tag (0, 0).
    """

    paced = True

    def __init__(self, start: int) -> None:
        self._start = start
        self._alarm = threading.Event()

    def now(self) -> int:
        return time.monotonic_ns() - self._start

    def pause(self, tag: Tag) -> int:
        return tag.time - self.now()

    def sleep(self, duration: int) -> None:
        self._alarm.wait(duration * 1e-9)
        self._alarm.clear()

    def wake(self) -> None:
        self._alarm.set()


class FastClock(WallClock):
    """Never waits: logical time runs as fast as the machine allows."""

    paced = False

    def pause(self, tag: Tag) -> int:
        return 0


class VirtualClock:
    """Time that passes only when somebody sleeps."""

    paced = True

    def __init__(self) -> None:
        self.time = 0

    def now(self) -> int:
        return self.time

    def pause(self, tag: Tag) -> int:
        return tag.time - self.time

    def sleep(self, duration: int) -> None:
        self.time += duration

    def wake(self) -> None:
        pass
