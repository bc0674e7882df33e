"""The memory of a program with everything it started."""

from __future__ import annotations

import time
from typing import NamedTuple

import psutil

__all__ = ["Sample", "sample"]


class Sample(NamedTuple):
    """What was resident at one moment."""

    seconds: float
    """Since the program was started."""
    mib: float
    """Of all its processes, each shared page counted once."""
    processes: int


def sample(pid: int, started: float) -> Sample | None:
    """The memory of a process and its descendants now; None when it has ended."""
    total = count = 0
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
        for process in family:
            # Proportional: a page that n processes map counts 1/n in each, so the sum is what is really in use.
            total += int(process.memory_full_info().pss)
            count += 1
    except psutil.Error:
        return None
    return Sample(time.monotonic() - started, total / 2**20, count)
