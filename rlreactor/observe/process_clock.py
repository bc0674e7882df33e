"""How long this process has lived, its interpreter's start included."""

from __future__ import annotations

import os
import time
from pathlib import Path

__all__ = ["seconds_since_process_start"]

_START_TIME = 19  # field of /proc/self/stat, counted from the one after the name


def seconds_since_process_start() -> float:
    """Seconds since the kernel made this process, to a hundredth."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    started = int(fields[_START_TIME]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started
