"""Stalls: when a worker waits for long, one message says who waits for whom."""

from __future__ import annotations

import logging
import time

__all__ = ["StallReport"]

_GATHERING_S = 0.25  # workers of one chain notice at about the same time: wait for all of them
_log = logging.getLogger("rlreactor")


class StallReport:
    """Gathers what waiting workers say, and tells it as one warning of the logger `rlreactor`."""

    def __init__(self) -> None:
        self._own: dict[int, str] = {}
        self._seen_by_others: dict[int, str] = {}
        self._due: float | None = None

    def hear(self, worker: int, lines: dict[int, str]) -> None:
        """`worker` waits, for the chain of workers in `lines`."""
        for other, line in lines.items():
            (self._own if other == worker else self._seen_by_others)[other] = line
        if self._due is None:
            self._due = time.monotonic() + _GATHERING_S

    def due_in_s(self) -> float | None:
        """Seconds until there is something to tell; None when there is nothing."""
        return None if self._due is None else max(0.0, self._due - time.monotonic())

    def tell_if_due(self) -> None:
        """Tell it once everybody had time to speak."""
        if self._due is not None and time.monotonic() >= self._due:
            lines = {**self._seen_by_others, **self._own}
            _log.warning("the run stalls:\n%s", "\n".join(f"  worker {w}: {lines[w]}" for w in sorted(lines)))
            self._own, self._seen_by_others, self._due = {}, {}, None
