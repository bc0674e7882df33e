"""One training at a time in a folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Generator
from pathlib import Path

from rlreactor.commands.failure import UsageError
from rlreactor.observe.files import writing

__all__ = ["held"]

_PATIENCE_S = 3.0  # what a killed run has left behind ends within that time


@contextlib.contextmanager
def held(folder: Path) -> Generator[None]:
    """Meanwhile whoever asks for the same folder is refused. Raises UsageError if somebody has it; FileError."""
    with writing(folder):
        descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not _taken(descriptor):
        if time.monotonic() > until:
            raise UsageError(f"{folder} is in use: its training still runs; wait for its end, or end it")
        time.sleep(0.02)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system that knows no locks
        return True
    return True
