"""Metrics on their way from `self.log` to the result."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from rlreactor.execution import Execution
from rlreactor.tag import Tag

__all__ = ["GatheredMetrics", "Metric", "MetricsBuffer", "Series"]

_FLUSH_NS = 100_000_000
_FLUSH_COUNT = 1000
_SERIES_LENGTH = 1 << 16


class Metric(NamedTuple):
    """What one call of `self.log` recorded."""

    tag: Tag
    path: str
    values: dict[str, Any]


class MetricsBuffer:
    """Gathers a worker's metrics and hands them on ten times a second."""

    def __init__(self, execution: Execution, hand_on: Callable[[list[Metric]], None]) -> None:
        self._execution = execution
        self._hand_on = hand_on
        self._waiting: list[Metric] = []
        self._next_ns = 0
        execution.log = self._log

    def _log(self, path: str, values: dict[str, Any]) -> None:
        plain = {name: value.item() if hasattr(value, "item") else value for name, value in values.items()}
        self._waiting.append(Metric(Tag(*self._execution.tag), path, plain))
        now = time.monotonic_ns()
        if now >= self._next_ns or len(self._waiting) >= _FLUSH_COUNT:
            self._next_ns = now + _FLUSH_NS
            self.flush()

    def flush(self) -> None:
        """Hand on what is waiting."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self._hand_on(waiting)


class Series(list[tuple[Tag, Any]]):
    """One metric over time. Beyond 65,536 points every second one goes, so that days of running stay small."""

    def __init__(self) -> None:
        super().__init__()
        self._stride = 1
        self._count = 0

    def add(self, tag: Tag, value: Any) -> None:
        """Append a point, unless it falls to the thinning."""
        if self._count % self._stride == 0:
            self.append((tag, value))
        self._count += 1
        if len(self) >= _SERIES_LENGTH:
            self[:] = self[::2]
            self._stride *= 2


class GatheredMetrics:
    """All metrics of a run, by path and name; `observe` sees each as it arrives."""

    def __init__(self, observe: Callable[[Metric], None] | None) -> None:
        self.series: dict[str, Series] = defaultdict(Series)
        self._observe = observe

    def take(self, batch: Iterable[Metric]) -> None:
        """What a worker hands on."""
        for metric in batch:
            for name, value in metric.values.items():
                self.series[f"{metric.path}.{name}" if metric.path else name].add(metric.tag, value)
            if self._observe is not None:
                self._observe(metric)
