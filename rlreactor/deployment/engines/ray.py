"""A placement group and an actor for every slot on a Ray cluster, as text."""

from __future__ import annotations

import shlex

from rlreactor.deployment.engine import worker_command
from rlreactor.deployment.engines.ray_slots import bundle
from rlreactor.deployment.engines.text import CALLER, heading
from rlreactor.deployment.job import Job
from rlreactor.deployment.spec import Deployment
from rlreactor.errors import PlanError

__all__ = ["dry_run"]


def dry_run(deployment: Deployment, job: Job, spec: str) -> str:
    """The placement group with its bundles, and what the actor in each starts. Raises PlanError without hosts."""
    if not deployment.hosts:
        raise PlanError("the engine ray needs hosts: list them in the spec, or one with a `count`")
    hosts = {host.name: host for host in deployment.machines}
    lines = [f"cluster {deployment.ray.address}", f"placement group, {deployment.ray.strategy}:"]
    for index, slot in enumerate(job.slots):
        resources = ", ".join(f"{name} {amount:g}" for name, amount in bundle(hosts[slot.host]).items())
        lines += [f"  bundle {index}: {resources}", f"    # {heading(job, index)}"]
        lines.append(f"    {shlex.join(worker_command(job, index, CALLER))}")
    return "\n".join(lines) + "\n"
