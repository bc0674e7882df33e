"""A reaction's failure, told to somebody who wrote the environment and not the reactors."""

from __future__ import annotations

import re
from pathlib import Path

from rlreactor.scheduler.failure import ReactionFailure

__all__ = ["concise"]

_OURS = str(Path(__file__).parent.parent)
_FRAME = re.compile(r'  File "(?P<file>[^"]+)", line \d+.*\n(?:    .*\n)*')


def concise(failure: ReactionFailure) -> str:
    """Which reaction failed, when and why, with those frames of the traceback that are the user's own.

    Where no frame is, the reason alone: the rest would be about libraries.
    """
    headline = failure.headline
    frames = [match[0] for match in _FRAME.finditer(failure.user_traceback) if _is_users(match["file"])]
    return headline + "".join(["\n", *frames]).rstrip()


def _is_users(file: str) -> bool:
    return not file.startswith((_OURS, "<")) and "site-packages" not in Path(file).parts
