"""What is worth saving is saved before a signal ends the command."""

from __future__ import annotations

import signal
from collections.abc import Callable

from rlreactor.runtime.signals import SignalHandler

__all__ = ["Reprieve"]


class Reprieve(SignalHandler):
    """A signal ends the body at once, but as soon as there is something to save it waits for the end of the body.

    Args:
        worth: whether there is.

    Attributes:
        number: the signal that waits; None where none came.
    """

    def __init__(self, worth: Callable[[], bool]) -> None:
        super().__init__()
        self._worth = worth
        self.number: int | None = None

    def handle(self, number: int, frame: object) -> None:
        if self._worth():
            self.number = self.number or number
        else:  # what would have been done without this; perhaps nothing, as with a command in the background
            signal.signal(number, self.previous[number])
            signal.raise_signal(number)
