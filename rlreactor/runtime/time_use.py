"""What a worker does with its time: its reactions, waiting for others, and the engine itself."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rlreactor.tag import Point

__all__ = ["TimeUse"]


class TimeUse:
    """Adds up what a worker did from its second tag on: at the first one it loads and makes things.

    All times are in ns, on the clock of `time.perf_counter_ns`.
    """

    def __init__(self) -> None:
        self._first_tag: Point | None = None
        self._begun = self._ended = 0
        self._waited_before = self._waited = 0
        self._measuring = 0
        self._reactions: Counter[str] = Counter()

    def begin(self, tag: Point, now: int, waited: int) -> None:
        """A reaction is about to run; `waited` is how long the worker has waited so far."""
        if self._first_tag is None:
            self._first_tag = tag
        if not self._begun and tag != self._first_tag:
            self._begun, self._waited_before = now, waited

    def end(self, path: str, took: int, measuring: int, now: int, waited: int) -> None:
        """It has run.

        Args:
            path: of the reaction.
            took: how long it computed, without waiting for room on a link.
            measuring: how long it took to note all this.
            now: when that was over.
            waited: how long the worker has waited so far.
        """
        if self._begun:
            self._reactions[path] += took
            self._measuring += measuring
            self._ended, self._waited = now, waited

    def report(self) -> dict[str, Any]:
        """Plain data, in seconds: in all, in each reaction, waiting, and noting this; what is left is the engine."""
        return {
            "seconds": (self._ended - self._begun) * 1e-9,
            "reactions": {path: ns * 1e-9 for path, ns in self._reactions.items()},
            "waiting": (self._waited - self._waited_before) * 1e-9,
            "measuring": self._measuring * 1e-9,
        }
