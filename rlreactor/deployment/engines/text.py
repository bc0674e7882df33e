"""What the texts of all engines have in common."""

from __future__ import annotations

from rlreactor.deployment.job import Job
from rlreactor.deployment.spec import Deployment
from rlreactor.errors import PlanError
from rlreactor.planner.report import number_ranges

__all__ = ["CALLER", "check_all_used", "heading"]

CALLER = "tcp://CALLER:PORT"
"""Stands for the endpoint of the caller, which is known when it listens."""


def heading(job: Job, slot: int) -> str:
    """`slot 0: host 'learner', workers 0-1`."""
    found = job.slots[slot]
    return f"slot {slot}: host {found.host!r}, worker{'s' * (len(found.workers) > 1)} {number_ranges(found.workers)}"


def check_all_used(deployment: Deployment, job: Job) -> None:
    """Raises PlanError for a host without a slot, where the engine counts nodes."""
    idle = [host.name for host in deployment.machines if host.name not in {slot.host for slot in job.slots}]
    if idle:
        raise PlanError(f"host {idle[0]!r} has nothing to do; take it out of the spec, or give it something")
