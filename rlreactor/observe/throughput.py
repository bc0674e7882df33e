"""Environment steps per second, from the arrival of metrics."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Throughput"]

_BATCH_S = 0.02


class Throughput:
    """Measures from the first report of steps to the last that came in time.

    Workers hand metrics on in batches: the last of a batch is fresh, those before it have waited. What the final batch
    waited for is the end of the run, with an evaluation perhaps, so it counts only where there is nothing else.

    Args:
        clock: in seconds.
        done: steps that were done before, where a run goes on.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, done: int = 0) -> None:
        self._clock = clock
        self._done = done
        self._start = clock()
        self._fresh: list[tuple[float, int]] = []  # of each batch the last (seconds, steps); at most four are kept

    def add(self, steps: int) -> None:
        """Note that `steps` have been done in all."""
        now = self._clock() - self._start
        if self._fresh and now - self._fresh[-1][0] < _BATCH_S:
            self._fresh.pop()
        self._fresh.append((now, steps))
        if len(self._fresh) > 4:
            del self._fresh[1]

    @property
    def steps_per_second(self) -> float:
        """Since it began, or went on; 0 before anything was done."""
        points = self._fresh[:-1] if len(self._fresh) > 2 else [(0.0, self._done), *self._fresh[-1:]]
        (begin, first), (end, last) = points[0], points[-1]
        return (last - first) / (end - begin) if end > begin else 0.0
