"""SIGINT and SIGTERM: who hears of them for a while."""

from __future__ import annotations

import contextlib
import math
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Self

__all__ = ["SignalHandler", "Signals"]

_ONE_PRESS_S = 0.05  # timeout(1), and whatever hands signals on, sends one Ctrl-C to a process and to its group


class SignalHandler(ABC):
    """Is told of both within its body; afterwards they belong to whoever had them before."""

    def __init__(self) -> None:
        self.previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(ValueError):  # not in the main thread: signals belong to somebody else
                self.previous[number] = signal.signal(number, self.handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, previous in self.previous.items():
            signal.signal(number, previous)

    @abstractmethod
    def handle(self, number: int, frame: object) -> None:
        """One has come."""


class Signals(SignalHandler):
    """While a run lasts: the first asks for a clean end, the second SIGINT breaks off.

    What comes again at once is still the first.
    """

    def __init__(self, ask: Callable[[], None]) -> None:
        super().__init__()
        self._ask = ask
        self._pressed = -math.inf
        self.received: int | None = None

    def handle(self, number: int, frame: object) -> None:
        pressed = time.monotonic()
        if pressed - self._pressed < _ONE_PRESS_S:
            return
        self._pressed = pressed
        if self.received is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = number
        self._ask()
