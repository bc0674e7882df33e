"""Slots that come to take part in a run: who may, and when all of them are ready."""

from __future__ import annotations

from rlreactor.deployment.job import Job
from rlreactor.deployment.messages import PROTOCOL, Join, Ready, Start
from rlreactor.deployment.program import difference, versions

__all__ = ["Joining"]


class Joining:
    """All slots of a job.

    Args:
        job: what they are told.
        program: digest of the graph that this side has made of it.
    """

    def __init__(self, job: Job, program: str) -> None:
        self._job = job
        self._program = program
        self._machines: dict[int, str] = {}
        self._ready: dict[int, Ready] = {}

    def name(self, slot: int) -> str:
        """What errors call a slot, with the machine that it really is on."""
        machine, host = self._machines.get(slot), self._job.slots[slot].host
        return f"slot {slot} on {host}" + (f" ({machine})" if machine and machine != host else "")

    @property
    def complete(self) -> bool:
        """Whether all are ready."""
        return len(self._ready) == len(self._job.slots)

    def join(self, slot: int, join: Join) -> str:
        """Why a slot may not take part, naming both values of whatever differs; "" if it may."""
        self._machines[slot] = join.machine
        if join.protocol != PROTOCOL:
            return f"protocol: expected {PROTOCOL}, received {join.protocol}; install the same rlreactor on every host"
        if join.slot != slot:
            return f"it has the key of slot {slot} and says that it is slot {join.slot}"
        if join.plan != self._job.plan_hash:
            return f"plan: expected {self._job.plan_hash}, received {join.plan}; it was started for another run"
        differing = difference(versions(), join.versions)
        return f"packages differ: {differing}; install the same versions on every host" if differing else ""

    def make_ready(self, slot: int, ready: Ready) -> str:
        """The same for one that has made its graph."""
        if ready.program != self._program:
            return (
                f"its program is another one: expected {self._program}, received {ready.program}; install the same "
                "sources on every host"
            )
        self._ready[slot] = ready
        return ""

    def start(self) -> Start:
        """What all are told once all are ready."""
        return Start(
            endpoints={link: at for each in self._ready.values() for link, at in each.endpoints.items()},
            publics={worker: key for each in self._ready.values() for worker, key in each.publics.items()},
        )
