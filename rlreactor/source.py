"""Where something was declared, for error messages."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import NamedTuple

__all__ = ["Location", "caller"]

_ENGINE = str(Path(__file__).absolute().parent) + "/"


class Location(NamedTuple):
    """A line of the user's program."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def _is_engine(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    linked = (_ENGINE + "reactors", _ENGINE + "topologies", _ENGINE + "algos")
    return file.startswith(_ENGINE) and not file.startswith(linked)


def caller() -> Location:
    """The nearest line on the stack that is not the engine's own."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_engine(frame):
        frame = frame.f_back
    return Location(frame.f_code.co_filename, frame.f_lineno)
