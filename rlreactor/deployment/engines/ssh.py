"""Slots over ssh, as text."""

from __future__ import annotations

import shlex

from rlreactor.deployment.engines.ssh_slots import remote_command, ssh_words
from rlreactor.deployment.engines.text import CALLER, heading
from rlreactor.deployment.job import Job
from rlreactor.deployment.spec import Deployment
from rlreactor.errors import PlanError

__all__ = ["dry_run"]


def dry_run(deployment: Deployment, job: Job, spec: str) -> str:
    """The command of every slot; its two keys, in base64, are the first two lines of its input. Raises PlanError."""
    if not deployment.hosts:
        raise PlanError("the engine ssh needs hosts: list them in the spec, each with its `address`")
    return "\n".join(_slot(deployment, job, index) for index in range(len(job.slots)))


def _slot(deployment: Deployment, job: Job, index: int) -> str:
    host = next(host for host in deployment.machines if host.name == job.slots[index].host)
    words = [*ssh_words(deployment, host), remote_command(deployment, job, index, CALLER)]
    return f"# {heading(job, index)}\n{shlex.join(words)}\n"
