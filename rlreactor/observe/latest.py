"""The metrics of any topology as lines of text, now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from rlreactor.runtime.metrics import Metric

__all__ = ["LatestLines"]

_EVERY_S = 2.0


class LatestLines:
    """At most every two seconds a line with the newest metric of each reactor that has logged since."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._next = clock() + _EVERY_S
        self._latest: dict[str, Metric] = {}

    def __call__(self, metric: Metric) -> None:
        """Take one metric into account."""
        self._latest[metric.path] = metric
        if self._clock() < self._next:
            return
        self._next = self._clock() + _EVERY_S
        for path, newest in self._latest.items():
            values = ", ".join(f"{name} {_short(value)}" for name, value in newest.values.items())
            print(f"{path or 'topology'} at {newest.tag[0]} ns: {values}", file=self._stream, flush=True)
        self._latest.clear()


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
