"""What a test can tell of processes: whether they are there, what they hold."""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

__all__ = ["Run", "await_end", "descriptors", "mappings", "shared_files"]


def descriptors() -> list[str]:
    """What the open descriptors of this process refer to."""
    found: list[str] = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(str(entry.readlink()).partition(":")[0])
    return sorted(found)


def mappings() -> int:
    """How many mappings of shared memory this process has."""
    return Path("/proc/self/maps").read_text().count("memfd:rlreactor")


def shared_files() -> set[str]:
    """What lies in the places where a run could forget something."""
    places = (Path("/dev/shm"), Path(tempfile.gettempdir()))
    return {str(path) for place in places if place.is_dir() for path in place.glob("*rlreactor*")}


def await_end(pids: Iterable[int], limit_s: float = 10.0) -> list[int]:
    """Wait until these processes have ended; those that have not."""
    end = time.monotonic() + limit_s
    left: list[int] = []
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            if not select.select([descriptor], [], [], max(0.0, end - time.monotonic()))[0]:
                left.append(pid)
        finally:
            os.close(descriptor)
    return left


def family(pid: int) -> list[int]:
    """The children of a process, and theirs."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *family(child)]
    return found


class Run:
    """A run in a process of its own: `body` gets a descriptor to announce with and returns text."""

    def __init__(self, body: Callable[[int], str], *, group: bool = False) -> None:
        self.announced, announce = os.pipe()
        self._report, report = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.announced)
            os.close(self._report)
            if group:
                os.setpgid(0, 0)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.write(report, _outcome(body, announce).encode())
            os._exit(0)
        os.close(announce)
        os.close(report)

    def await_announcement(self, limit_s: float = 10.0) -> bytes:
        assert select.select([self.announced], [], [], limit_s)[0], "nothing was announced"
        return os.read(self.announced, 4096)

    def family(self) -> list[int]:
        return family(self.pid)

    def outcome(self, limit_s: float = 15.0) -> str:
        """What `body` returned or raised."""
        parts: list[bytes] = []
        end = time.monotonic() + limit_s
        while select.select([self._report], [], [], max(0.0, end - time.monotonic()))[0]:
            part = os.read(self._report, 1 << 16)
            if not part:
                return b"".join(parts).decode()
            parts.append(part)
        raise AssertionError(f"the run did not end within {limit_s} s")

    def end(self) -> None:
        """Whatever happened: nothing is left."""
        for pid in [self.pid, *self.family()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        os.close(self.announced)
        os.close(self._report)


def _outcome(body: Callable[[int], str], announce: int) -> str:
    # Python drops what is raised inside a garbage collector's callback, and Hypothesis has registered one: a Ctrl-C
    # that met it would be lost. The test session's own objects are nothing to collect here either.
    gc.callbacks.clear()
    gc.freeze()
    try:
        return body(announce)
    except BaseException:
        return traceback.format_exc()
