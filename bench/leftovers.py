"""What opponents leave in shared memory when they are ended by force, and how it goes.

A semaphore of Ray's Compiled Graphs is a file that whoever made it removes; who was killed does not.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Generator
from pathlib import Path

import psutil

__all__ = ["removed"]

SHARED_MEMORY = Path("/dev/shm")
PATTERNS = ("sem.hdr*", "sem.obj*")
"""How the semaphores of a Compiled Graph are called; nothing else is ever touched."""


@contextlib.contextmanager
def removed(folder: Path = SHARED_MEMORY) -> Generator[None]:
    """Remove afterwards what came into being in the body, belongs to this user, and is used by no living process."""
    begun, before = time.time(), _inodes(folder)
    try:
        yield
    finally:
        new = {path for path, inode in _inodes(folder).items() if before.get(path) != inode}
        if new:
            for path in new - _used(new, begun):
                path.unlink(missing_ok=True)


def _inodes(folder: Path) -> dict[Path, int]:
    """The files that are ours and are called so."""
    found: dict[Path, int] = {}
    for path in (path for pattern in PATTERNS for path in folder.glob(pattern)):
        with contextlib.suppress(FileNotFoundError):
            about = path.lstat()
            if about.st_uid == os.getuid():
                found[path] = about.st_ino
    return found


def _used(paths: set[Path], begun: float) -> set[Path]:
    """Those which some process has open or mapped; all of them where one that may use them does not let us look."""
    found: set[Path] = set()
    for process in psutil.process_iter():
        try:
            found |= paths & _files(process.pid)
        except PermissionError:
            if _may_use_them(process, begun):
                return paths
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
    return found


def _may_use_them(process: psutil.Process, begun: float) -> bool:
    """Whether it is ours and began since; who was there before knows of no new semaphore."""
    try:
        return process.uids().real == os.getuid() and process.create_time() >= begun
    except psutil.NoSuchProcess:
        return False


def _files(pid: int) -> set[Path]:
    """What a process has open or mapped."""
    folder = Path("/proc", str(pid))
    lines = [line.split(maxsplit=5) for line in (folder / "maps").read_text().splitlines()]
    found = {Path(fields[5]) for fields in lines if len(fields) == 6}
    for link in (folder / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add(link.readlink())
    return found
