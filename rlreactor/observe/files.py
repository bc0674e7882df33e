"""Files of a run: whole or not there at all, and one clear message when the disk says no."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Generator
from pathlib import Path

from rlreactor.errors import ReactorError

__all__ = ["FileError", "sync_folder", "write_atomically", "writing"]

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class FileError(ReactorError):
    """A file or folder of the run cannot be written or read."""


@contextlib.contextmanager
def writing(path: Path) -> Generator[None]:
    """Turn an OSError of the body into a FileError that names `path` and what to do."""
    try:
        yield
    except OSError as error:
        raise FileError(f"{path} cannot be written: {_reason(error)}; {_remedy(error)}") from error


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _remedy(error: OSError) -> str:
    if error.errno in _FULL:
        return "free some space there, or choose a folder on another disk"
    return "choose a folder that you may write to"


def write_atomically(path: Path, data: bytes) -> None:
    """Afterwards `path` holds `data` on disk; a failure leaves what was there before. Raises FileError."""
    with writing(path):
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            _fill(descriptor, data)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def _fill(descriptor: int, data: bytes) -> None:
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fchmod(descriptor, 0o666 & ~_umask())
        os.fsync(descriptor)


def _umask() -> int:
    """Reading it means setting it; nobody else makes files at this moment."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def sync_folder(folder: Path) -> None:
    """Afterwards the names in `folder` are on disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
