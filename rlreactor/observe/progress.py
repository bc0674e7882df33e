"""One line that says how far a training run is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from rlreactor.observe.throughput import Throughput
from rlreactor.runtime.metrics import Metric

if TYPE_CHECKING:
    from rich.live import Live

__all__ = ["LiveLine", "PlainLines", "Progress", "Silence", "progress", "status_text"]

_PLAIN_EVERY_S = 2.0


class Progress(Protocol):
    """Takes metrics and shows them."""

    def __call__(self, metric: Metric) -> None:
        """Take one metric into account."""

    def close(self) -> None:
        """Leave the terminal as it was."""


def progress(stream: TextIO, total: int, *, done: int = 0, quiet: bool = False) -> Progress:
    """What suits the stream: a live line on a terminal, else a line every two seconds, or nothing.

    `done` of the `total` steps were done before, where a run goes on.
    """
    if quiet:
        return Silence()
    return LiveLine(stream, total, done) if stream.isatty() else PlainLines(stream, total, done=done)


class Silence:
    """Shows nothing."""

    def __call__(self, metric: Metric) -> None:
        """Ignore it."""

    def close(self) -> None:
        """Nothing to do."""


class _Status:
    """The figures of the line."""

    def __init__(self, total: int, done: int) -> None:
        self._total = total
        self._throughput = Throughput(done=done)
        self._steps = 0
        self._return = math.nan

    def take(self, metric: Metric) -> bool:
        """Whether the metric counts environment steps, and so changes the line."""
        if "env_steps" not in metric.values:
            return False
        self._steps = int(metric.values["env_steps"])
        self._return = float(metric.values.get("mean_return", math.nan))
        self._throughput.add(self._steps)
        return True

    def __str__(self) -> str:
        return status_text(self._steps, self._total, self._throughput.steps_per_second, self._return)


def status_text(steps: int, total: int, rate: float, mean_return: float) -> str:
    """`40,960 of 100,000 steps · 21,300 steps/s · return 132.4 · 3 s left`."""
    parts = [f"{steps:,} of {total:,} steps"]
    if rate > 0:
        parts.append(f"{rate:,.0f} steps/s")
    if not math.isnan(mean_return):
        parts.append(f"return {mean_return:.1f}")
    if rate > 0:
        parts.append("evaluating" if steps >= total else f"{_duration(math.ceil((total - steps) / rate))} left")
    return " · ".join(parts)


def _duration(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02} min"


class PlainLines:
    """A line of text every two seconds."""

    def __init__(self, stream: TextIO, total: int, clock: Callable[[], float] = time.monotonic, done: int = 0) -> None:
        self._stream = stream
        self._clock = clock
        self._next = clock() + _PLAIN_EVERY_S
        self._status = _Status(total, done)

    def __call__(self, metric: Metric) -> None:
        """Take one metric into account."""
        if self._status.take(metric) and self._clock() >= self._next:
            self._next = self._clock() + _PLAIN_EVERY_S
            print(self._status, file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing to do."""


class LiveLine:
    """One line on a terminal that is written again and again.

    It appears with the first metric, after the workers were forked: rich replaces the standard streams meanwhile. It
    is drawn as metrics arrive and not by a thread.
    """

    def __init__(self, stream: TextIO, total: int, done: int = 0) -> None:
        self._stream = stream
        self._status = _Status(total, done)
        self._live: Live | None = None

    def __call__(self, metric: Metric) -> None:
        """Take one metric into account."""
        if self._status.take(metric):
            self._live = self._live or self._open()
            self._live.update(self._line(), refresh=True)

    def _open(self) -> Live:
        from rich.console import Console
        from rich.live import Live

        live = Live(console=Console(file=self._stream), auto_refresh=False, transient=True)
        live.start()
        return live

    def _line(self) -> Any:
        from rich.text import Text

        return Text(str(self._status), no_wrap=True, overflow="ellipsis")

    def close(self) -> None:
        """Remove the line."""
        if self._live is not None:
            self._live.stop()
            self._live = None
