"""How a command ends when it does not end well."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from types import FrameType
from typing import Any

from rlreactor.errors import ReactorError
from rlreactor.user_code import UserCodeError, user_code

__all__ = [
    "Interruption",
    "Shortfall",
    "Termination",
    "UsageError",
    "UserCodeError",
    "ignore_signals",
    "number_of",
    "user_code",
]


class UsageError(ReactorError):
    """The command was called in a way that makes no sense; exit status 2."""


class Termination(KeyboardInterrupt):
    """SIGTERM."""

    @classmethod
    def on_signal(cls) -> None:
        """From now on SIGTERM raises this, so that everything is put away as after Ctrl-C."""

        def terminate(number: int, frame: FrameType | None) -> None:
            raise cls

        signal.signal(signal.SIGTERM, terminate)


def number_of(interrupt: KeyboardInterrupt) -> int:
    """The signal that raised it."""
    return signal.SIGTERM if isinstance(interrupt, Termination) else signal.SIGINT


def ignore_signals() -> None:
    """Be deaf to more of the same while ending, which takes no time worth breaking off."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


class Interruption(Exception):
    """A signal ended a command that has something to show all the same.

    Attributes:
        result: what `--json` prints.
        status: exit status, 128 + number of the signal.
    """

    def __init__(self, message: str, signal_number: int, result: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.result = {**result, "interrupted": signal.Signals(signal_number).name}
        self.status = 128 + signal_number


class Shortfall(Exception):
    """Part of what was asked for failed, and the rest has something to show; exit status 1.

    Attributes:
        result: what `--json` prints.
    """

    def __init__(self, message: str, result: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.result = {**result, "error": message}
