"""Slots as processes on this machine: the engine of a laptop, and the way to try a deployment before it is sent out.

They end with this process, however it ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rlreactor.deployment.engines.held import held, key_files, send_keys
from rlreactor.deployment.engines.processes import ProcessPerSlot
from rlreactor.deployment.job import Job
from rlreactor.errors import RunError

__all__ = ["LocalSlots"]


class LocalSlots:
    """Implements `Engine`.

    Args:
        python: the words that start Python in every slot.
    """

    caller_address = "127.0.0.1"
    caller_ports: tuple[int, int] | None = None

    def __init__(self, python: Sequence[str] = (sys.executable,)) -> None:
        self._python = tuple(python)

    def start(self, job: Job, caller: str, keys: Path) -> ProcessPerSlot:
        """Start every slot. Raises RunError when a process cannot be had."""
        return ProcessPerSlot([self._started(job, slot, caller, keys) for slot in range(len(job.slots))])

    def _started(self, job: Job, slot: int, caller: str, keys: Path) -> subprocess.Popen[bytes]:
        try:
            process = subprocess.Popen(
                held(self._python, str(Path.cwd()), job, slot, caller),
                stdin=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the caller to handle
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        except OSError as error:
            raise RunError(f"cannot start slot {slot}: {error.strerror}") from error
        send_keys(key_files(keys, slot), process.stdin)
        return process
