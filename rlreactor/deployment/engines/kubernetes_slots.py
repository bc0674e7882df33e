"""Slots that Kubernetes starts beside the caller's own pod: nothing is left to start, and the set ends them."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path

from rlreactor.deployment.engines.kubernetes import CALLER_PORT
from rlreactor.deployment.job import Job
from rlreactor.errors import RunError

__all__ = ["KubernetesSlots"]

_IN_A_POD = "KUBERNETES_SERVICE_HOST"


class KubernetesSlots:
    """Implements `Engine`, in the caller's pod. Raises RunError elsewhere."""

    caller_ports: tuple[int, int] | None = (CALLER_PORT, CALLER_PORT)

    def __init__(self) -> None:
        if _IN_A_POD not in os.environ:
            raise RunError(
                "the engine kubernetes runs within the cluster: rlreactor deploy SPEC --engine kubernetes --dry-run "
                "prints what to give to kubectl apply"
            )
        self.caller_address = socket.gethostbyname(socket.gethostname())

    def start(self, job: Job, caller: str, keys: Path) -> AwaitedSlots:
        """They are started already."""
        return AwaitedSlots()


class AwaitedSlots:
    """Implements `StartedSlots`: whoever ends is restarted by the set, with everybody else."""

    def ended(self) -> Mapping[int, str]:
        """Nobody knows here; the caller misses those who do not answer."""
        return {}

    def stop(self) -> None:
        """The set ends them when this pod has succeeded or failed."""
