"""Runs that last as long as an `rlreactor deploy` on this machine does: which there are, and how to end one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

__all__ = ["RunHere", "runs_here"]


class RunHere(NamedTuple):
    """A process of this user that deploys a spec.

    Attributes:
        pid: its number.
        seconds: for which it has been there.
        output: the file that its messages go to; None for a terminal, or whatever else is no file.
    """

    pid: int
    seconds: float
    output: Path | None

    def stop(self) -> None:
        """Let it stop at its next tag boundary, as Ctrl-C does."""
        os.kill(self.pid, signal.SIGTERM)


def runs_here(spec: Path) -> list[RunHere]:
    """The runs of the deployment in this file, oldest first."""
    return sorted(_found(spec.resolve()), key=lambda run: -run.seconds)


def _found(spec: Path) -> Iterator[RunHere]:
    for process in psutil.process_iter():
        try:
            if process.uids().real == os.getuid() and _deploys(process.cmdline(), Path(process.cwd()), spec):
                yield RunHere(process.pid, time.time() - process.create_time(), _output(process.pid))
        except (psutil.Error, OSError):  # it has ended, or is not ours to look at
            continue


def _deploys(words: Sequence[str], folder: Path, spec: Path) -> bool:
    """Whether it is Python with `… rlreactor deploy SPEC`, and not what only starts that, such as `timeout`."""
    if "deploy" not in words or not Path(words[0]).name.startswith("python"):
        return False
    at = words.index("deploy")
    command = Path(words[at - 1]).name
    return command in ("rlreactor", "rlreactor.cli", "cli.py") and any(
        (folder / word).resolve() == spec for word in words[at + 1 :]
    )


def _output(pid: int) -> Path | None:
    target = Path(f"/proc/{pid}/fd/2").readlink()
    return target if target.is_file() else None
