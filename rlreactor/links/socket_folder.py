"""The folder of a run's `ipc` sockets: nobody else may enter it, and however the run ends, it does not stay.

Every listener removes its file as soon as its one peer has come, and the last one the folder with it. What a run that
was killed during its first moments may leave, the next one removes: the folder of a living run is locked, and the lock
goes with the last of its processes.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from pathlib import Path

from rlreactor.errors import LinkError

__all__ = ["SocketFolder", "sweep"]

_LONGEST_PATH = 107  # bytes that fit into a Unix socket's address
_PREFIX = "rlreactor-sockets-"


class SocketFolder:
    """A new folder for socket files. Raises LinkError when its path is too long for them, or cannot be made."""

    def __init__(self, parent: Path | None = None) -> None:
        parent = parent or _parent()
        sweep(parent)
        try:
            self.path, self._lock = _new_folder(parent)
        except OSError as error:
            raise LinkError(f"cannot make a folder for sockets in {parent}: {error.strerror}") from error

    def file(self, name: str) -> str:
        """The path of a socket file. Raises LinkError for one that is too long."""
        path = str(self.path / name)
        if len(os.fsencode(path)) > _LONGEST_PATH:
            raise LinkError(
                f"the path of a socket has {len(os.fsencode(path))} bytes and {_LONGEST_PATH} are possible: {path}; "
                "set XDG_RUNTIME_DIR to a folder with a shorter path"
            )
        return path

    def forget(self, name: str) -> None:
        """Remove a socket file that is of no more use, and the folder with the last of them."""
        with contextlib.suppress(OSError):  # another worker may have been faster
            (self.path / name).unlink(missing_ok=True)
            self.path.rmdir()

    def close(self) -> None:
        """Give up the lock; what is left of the folder goes."""
        if self._lock >= 0:
            with contextlib.suppress(OSError):
                _remove(self.path)
            os.close(self._lock)
            self._lock = -1


def sweep(parent: Path) -> None:
    """Remove the folders that runs have left behind which were killed while they started."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # somebody else's, or locked: its run lives
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(folder)
            finally:
                os.close(descriptor)


def _new_folder(parent: Path) -> tuple[Path, int]:
    """A folder and the descriptor that locks it."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))  # mode 0700
        with contextlib.suppress(FileNotFoundError):  # somebody swept before it was locked
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if path.exists():
                return path, lock
            os.close(lock)


def _remove(folder: Path) -> None:
    """Remove the sockets in a folder, and the folder if that was all. Raises OSError."""
    for path in folder.iterdir():
        if path.is_socket():
            path.unlink()
    folder.rmdir()


def _parent() -> Path:
    """Where sockets belong: the user's runtime directory, or that for temporary files."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return Path(runtime) if runtime and os.access(runtime, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
