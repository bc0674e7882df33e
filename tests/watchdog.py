"""Finds out where a run hangs: every process of it says what it waits for, then it is ended."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
import traceback
from collections.abc import Generator
from pathlib import Path
from types import FrameType

from rlreactor.runtime.neighbourhood import Neighbourhood
from rlreactor.scheduler.scheduler import Scheduler

__all__ = ["Hang", "children", "watched"]

_GRACE_S = 2.0


class Hang(AssertionError):
    """A run took longer than it may."""


def children() -> list[int]:
    """The processes that this one has started and that are still there."""
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            found += map(int, (task / "children").read_text().split())
    return sorted(found)


@contextlib.contextmanager
def watched(limit_s: float = 20.0) -> Generator[None]:
    """Raises Hang, with the stack and the links of every worker, when what it encloses takes longer than `limit_s`."""
    before = set(children())
    over, hung = threading.Event(), threading.Event()
    with tempfile.TemporaryFile() as report:
        previous = signal.signal(signal.SIGUSR2, lambda _, frame: _tell(report.fileno(), frame))

        def watch() -> None:
            if over.wait(limit_s):
                return
            hung.set()
            workers = [pid for pid in children() if pid not in before]
            for pid in [os.getpid(), *workers]:
                os.kill(pid, signal.SIGUSR2)
            over.wait(_GRACE_S)
            for pid in workers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        except BaseException as error:
            if hung.is_set():
                over.set()
                watcher.join()
                raise Hang(_read(report.fileno(), limit_s)) from error
            raise
        finally:
            over.set()
            watcher.join()
            signal.signal(signal.SIGUSR2, previous)
        if hung.is_set():
            raise Hang(_read(report.fileno(), limit_s))


def _read(descriptor: int, limit_s: float) -> str:
    text = os.pread(descriptor, 1 << 20, 0).decode(errors="replace")
    return f"not finished after {limit_s} s\n{text}"


def _tell(descriptor: int, frame: FrameType | None) -> None:
    lines = [f"\n--- process {os.getpid()}\n", *traceback.format_stack(frame)[-12:]]
    while frame is not None:
        scheduler = frame.f_locals.get("self")  # what it calls has no frame where it is compiled
        if isinstance(scheduler, Scheduler) and isinstance(scheduler.neighbours, Neighbourhood):
            lines += _links(scheduler.neighbours)
            break
        frame = frame.f_back
    os.write(descriptor, "".join(lines).encode())


def _links(links: Neighbourhood) -> list[str]:
    scheduler, frontiers, board = links._scheduler, links._frontiers, links._board
    lines = [f"worker {links._me}: stop {scheduler.stop}, queue {scheduler.binding.queue.head}\n"]
    backlog, interrupted = links.intake.backlog, links.waiting.interrupted
    lines.append(f"  tag {scheduler.binding.execution.tag}, backlog {backlog}, interrupted {interrupted}\n")
    lines.append(f"  known {frontiers.known}, floor {frontiers.floor}\n")
    for edge in frontiers.edges:
        lines.append(f"  from {edge.source}: after rank {edge.writer}, {edge.delay}, earliest {edge.earliest}\n")
    for worker in range(board.workers):
        lines.append(f"  board of {worker}: {board.read(worker)}\n")
    return lines
