"""Where something was declared, for error messages."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

__all__ = ["Location", "caller", "is_engine_file"]

_ENGINE = str(Path(__file__).absolute().parent) + "/"


class Location(NamedTuple):
    """A line of the user's program."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def is_engine_file(file: str) -> bool:
    """Whether a source file is the engine's own; reactors, topologies and algorithms are users of it."""
    linked = (_ENGINE + "reactors/", _ENGINE + "topologies/", _ENGINE + "algos/")
    return file.startswith(_ENGINE) and not file.startswith(linked)


def caller() -> Location:
    """The nearest line on the stack that is not the engine's own."""
    frame = sys._getframe(1)
    while frame.f_back is not None and is_engine_file(frame.f_code.co_filename):
        frame = frame.f_back
    return Location(frame.f_code.co_filename, frame.f_lineno)
