"""Slots as processes on this machine, as text."""

from __future__ import annotations

import shlex

from rlreactor.deployment.engine import worker_command
from rlreactor.deployment.engines.text import CALLER, heading
from rlreactor.deployment.job import Job
from rlreactor.deployment.spec import Deployment

__all__ = ["dry_run"]


def dry_run(deployment: Deployment, job: Job, spec: str) -> str:
    """The command of every slot."""
    commands = (f"# {heading(job, i)}\n{shlex.join(worker_command(job, i, CALLER))}" for i in range(len(job.slots)))
    return "\n".join(commands) + "\n"
