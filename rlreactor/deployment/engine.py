"""What starts the slots of a job: processes here, ssh, Slurm, Ray, Kubernetes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from rlreactor.deployment.job import Job

__all__ = ["Engine", "StartedSlots", "worker_command"]


class StartedSlots(Protocol):
    """The slots of one job, started and not yet ended."""

    def ended(self) -> Mapping[int, str]:
        """Those that have ended, each with how, in words ("ended with status 1", "was killed by SIGKILL").

        Called a few times a second; must not wait.
        """
        ...

    def stop(self) -> None:
        """See to it that nothing is left, however the run ended. Called once, also after all have ended."""
        ...


class Engine(Protocol):
    """Starts all slots of a job together and tells each its index."""

    caller_address: str
    """Where the caller listens: an IPv4 address of this host that every slot reaches."""

    caller_ports: tuple[int, int] | None
    """First and last port that it may listen on; None: any that is free."""

    def start(self, job: Job, caller: str, keys: Path) -> StartedSlots:
        """Start every slot with `worker_command`.

        Args:
            job: its slots say on which host each is to be.
            caller: endpoint of the caller, `tcp://address:port`.
            keys: a folder. Slot i gets two of its files, in a folder of its own: `slot-i.key`, which nobody else may
                read, and `caller.pub`.

        Raises RunError when they cannot be started.
        """
        ...


def worker_command(job: Job, slot: int | str, caller: str, keys: str = "-") -> list[str]:
    """The words that every engine starts slot `slot` with; `keys` is the folder as that slot sees it, or its input."""
    return [
        "rlreactor", "worker", "--slot", str(slot), "--plan", job.plan_hash, "--caller", caller, "--keys", keys,
    ]  # fmt: skip
