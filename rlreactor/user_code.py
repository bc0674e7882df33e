"""Code of the user's that is called outside of any reaction: importing a module, making a topology."""

from __future__ import annotations

import contextlib
import importlib
import traceback
from collections.abc import Generator
from pathlib import Path
from types import TracebackType

from rlreactor.errors import ReactorError

__all__ = ["UserCodeError", "user_code"]

_OURS = tuple(str(Path(__file__).parent / name) for name in ("commands", "deployment", "reference.py", "user_code.py"))


class UserCodeError(ReactorError):
    """The user's own code raised outside of any reaction."""


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
        (*_OURS, "<frozen", importlib.__path__[0])
    ):
        frames = frames.tb_next
    return frames
