"""What is worth saving is saved before a signal ends the command."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable
from typing import Any

__all__ = ["Reprieve"]


class Reprieve:
    """A signal ends the body at once, but as soon as there is something to save it waits for the end of the body.

    Args:
        worth: whether there is.

    Attributes:
        number: the signal that waits; None where none came.
    """

    def __init__(self, worth: Callable[[], bool]) -> None:
        self._worth = worth
        self._previous: dict[int, Any] = {}
        self.number: int | None = None

    def __enter__(self) -> Reprieve:
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(ValueError):  # not in the main thread: signals belong to somebody else
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, previous in self._previous.items():
            signal.signal(number, previous)

    def _handle(self, number: int, frame: object) -> None:
        if self._worth():
            self.number = self.number or number
        else:
            self._previous[number](number, frame)
