"""How a command ends when it does not end well."""

from __future__ import annotations

import contextlib
import importlib
import signal
import traceback
from collections.abc import Generator, Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from rlreactor.errors import ReactorError

__all__ = ["Interruption", "Shortfall", "Termination", "UsageError", "UserCodeError", "ignore_signals", "user_code"]

_OURS = str(Path(__file__).parent)


class UsageError(ReactorError):
    """The command was called in a way that makes no sense; exit status 2."""


class UserCodeError(ReactorError):
    """The user's own code raised outside of any reaction."""


class Termination(KeyboardInterrupt):
    """SIGTERM."""

    @classmethod
    def on_signal(cls) -> None:
        """From now on SIGTERM raises this, so that everything is put away as after Ctrl-C."""

        def terminate(number: int, frame: FrameType | None) -> None:
            raise cls

        signal.signal(signal.SIGTERM, terminate)


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


@contextlib.contextmanager
def user_code(what: str) -> Generator[None]:
    """Turn whatever the body raises, except errors of ours, into a UserCodeError with the user's traceback."""
    try:
        yield
    except ReactorError:
        raise
    except Exception as error:
        lines = traceback.format_exception(type(error), error, _users_frames(error.__traceback__))
        raise UserCodeError(f"{what}: {type(error).__name__}: {error}\n{''.join(lines).rstrip()}") from None


def _users_frames(frames: TracebackType | None) -> TracebackType | None:
    """Without the frames of rlreactor and of the import system that lead there."""
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(
        (_OURS, "<frozen", importlib.__path__[0])
    ):
        frames = frames.tb_next
    return frames
