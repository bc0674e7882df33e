"""Slots that are started by a process here each: ssh to every host."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

__all__ = ["ProcessPerSlot", "ended_with"]

_GRACE_S = 10.0


def ended_with(status: int) -> str:
    """How a process ended, in words."""
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"


class ProcessPerSlot:
    """Implements `StartedSlots`: the slot lasts as long as its process, and ends when the process's input does.

    Args:
        processes: in the order of the slots, each with a pipe as its input.
        words: what to say of exit statuses of the starting command itself.
    """

    def __init__(self, processes: Sequence[subprocess.Popen[bytes]], words: Mapping[int, str] | None = None) -> None:
        self._processes = processes
        self._words = words or {}

    def ended(self) -> Mapping[int, str]:
        """Those slots that have ended, each with how."""
        statuses = {slot: process.poll() for slot, process in enumerate(self._processes)}
        return {
            slot: self._words.get(status, ended_with(status)) for slot, status in statuses.items() if status is not None
        }

    def stop(self) -> None:
        """End what has not ended."""
        for process in self._processes:
            if process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.close()
        end = time.monotonic() + _GRACE_S
        for process in self._processes:
            try:
                process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
