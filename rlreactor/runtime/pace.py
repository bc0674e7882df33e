"""How fast a worker really was, its start and its end left aside."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

__all__ = ["Pace", "Reading", "Steady"]

_SCHEDSTAT = Path("/proc/self/schedstat")  # ns on the processor, ns ready but waiting for it, time slices
_PERIOD_S = 0.02
_MOST = 512  # readings; beyond it every second one goes and the rest come half as often


class Reading(NamedTuple):
    """A worker at one moment, each since some beginning.

    Attributes:
        ns: monotonic clock.
        cpu_ns: processor time that it has used.
        tags: how many it has processed.
        waited_ns: how long it has waited for other workers.
        kept_off_ns: how long others have kept it off the processor.
    """

    ns: int
    cpu_ns: int
    tags: int
    waited_ns: int
    kept_off_ns: int = 0


class Steady(NamedTuple):
    """Between the first tag and the last: seconds, tags, the part of the time in which it computed, and seconds for
    which others kept it off the processor."""

    seconds: float
    tags: int
    utilisation: float
    kept_off: float = 0.0

    @property
    def ticks_per_second(self) -> float:
        """Tags per second; 0 where there was no second tag."""
        return self.tags / self.seconds if self.seconds > 0 else 0.0


class Pace:
    """Takes readings of a worker while it runs, from a thread of its own: the worker itself does not stop for it.

    Args:
        read: tags and waited ns so far.
        each: called with every reading; may end the run.
        look: called at every reading and every `look_s` seconds at least.
    """

    def __init__(
        self,
        read: Callable[[], tuple[int, int]],
        each: Callable[[Reading], None] = lambda _: None,
        look: Callable[[], None] = lambda: None,
        look_s: float = 1.0,
    ) -> None:
        self._read = read
        self._each = each
        self._look = look
        self._look_s = look_s
        self._ended = threading.Event()
        self._period_s = _PERIOD_S
        self._thread = threading.Thread(target=self._watch, name="rlreactor-pace", daemon=True)
        self.readings: list[Reading] = []

    def __enter__(self) -> Pace:
        self._take()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._take()

    def _take(self) -> None:
        reading = Reading(time.monotonic_ns(), time.process_time_ns(), *self._read(), _kept_off_ns())
        self.readings.append(reading)
        self._each(reading)

    def _watch(self) -> None:
        due_ns = self.readings[-1].ns
        while not self._ended.wait(min(self._period_s, self._look_s)):
            self._look()
            if time.monotonic_ns() >= due_ns:
                self._take()
                due_ns = self.readings[-1].ns + round(self._period_s * 1e9)
            if len(self.readings) >= _MOST:
                del self.readings[1::2]
                self._period_s *= 2

    def steady(self) -> Steady:
        """What lies between the end of the first tag and that of the last but one, as near as the readings tell.

        Starting loads and makes things, and at the last tag things are evaluated and closed: neither is typical. A run
        too short for that counts as a whole.
        """
        # Of readings with the same number of tags the earliest: the others were taken in the midst of a long tag.
        changes = [b for a, b in zip(self.readings, self.readings[1:], strict=False) if b.tags > a.tags]
        # One worker in fast mode counts its tags only now and then: the last but one may be as early as the first.
        first, last = self.readings[0], self.readings[-1]
        if len(changes) > 1:
            first, last = changes[0], changes[-2] if len(changes) > 3 else changes[-1]
        ns = last.ns - first.ns
        # Who spins uses the processor while it waits; who shares a core does not wait, and yet does not compute.
        busy_ns = min(ns - (last.waited_ns - first.waited_ns), last.cpu_ns - first.cpu_ns)
        kept_off = (last.kept_off_ns - first.kept_off_ns) * 1e-9
        return Steady(ns * 1e-9, last.tags - first.tags, max(0.0, busy_ns / ns) if ns else 0.0, kept_off)


def _kept_off_ns() -> int:
    """How long the main thread of this process could have run but did not; 0 where the kernel does not tell."""
    try:
        return int(_SCHEDSTAT.read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
