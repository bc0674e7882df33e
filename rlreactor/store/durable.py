"""Changes that are on disk when they are done: files that are whole or not there, folders that go in a safe order."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from pathlib import Path

from rlreactor.errors import RunError
from rlreactor.observe.files import FileError, sync_folder, writing

__all__ = ["changing", "make_folder", "remove_folder", "write_durably"]


@contextlib.contextmanager
def changing(path: Path) -> Generator[None]:
    """Turn an OSError of the body into a RunError that names `path`, the reason and what to do."""
    try:
        with writing(path):
            yield
    except FileError as error:
        raise RunError(str(error)) from error.__cause__


def write_durably(path: Path, data: bytes) -> None:
    """Write the whole file or leave what was there. Raises RunError.

    The name of the unfinished file is always the same: what a killed process leaves is overwritten, not piled up.
    """
    part = path.with_name(path.name + ".part")
    with changing(path):
        try:
            _fill(part, data)
            part.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                part.unlink()
            raise
        sync_folder(path.parent)


def _fill(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are missing. Raises RunError."""
    if path.is_dir():
        return
    with changing(path):
        path.mkdir(parents=True, exist_ok=True)
        sync_folder(path.parent)


def remove_folder(path: Path, first: str) -> None:
    """Remove a folder of files, `first` before all others, wherever it is interrupted. Raises RunError."""
    with changing(path):
        (path / first).unlink(missing_ok=True)
        sync_folder(path)
        for file in path.iterdir():
            file.unlink()
        path.rmdir()
        sync_folder(path.parent)
