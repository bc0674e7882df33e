"""What runs on a Ray node: an actor that holds one slot's process. It ends with the actor, however that ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from rlreactor.deployment.engines.held import held, send_keys
from rlreactor.deployment.engines.processes import ProcessPerSlot, ended_with
from rlreactor.deployment.job import Job

__all__ = ["SlotActor"]


class SlotActor:
    """Its methods are called from afar, several at a time."""

    def start(self, job: str, slot: int, caller: str, keys: Sequence[bytes]) -> None:
        """Start a slot of a job, which is told as JSON, with the interpreter that runs this actor."""
        words = held([sys.executable], ".", Job.model_validate_json(job), slot, caller)
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE)
        send_keys(keys, self._process.stdin)

    def wait(self) -> str:
        """Until it has ended: how, in words."""
        return ended_with(self._process.wait())

    def stop(self) -> None:
        """End it."""
        ProcessPerSlot([self._process]).stop()
