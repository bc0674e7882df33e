"""The batch script of a Slurm job: a component for every entry of hosts, which starts the caller on its first node.

Within the job the caller starts one step with a task for every slot (`slurm_slots.py`).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from rlreactor.deployment.engine import worker_command
from rlreactor.deployment.engines.sections import SlurmSection
from rlreactor.deployment.engines.text import CALLER, check_all_used, heading
from rlreactor.deployment.job import Job
from rlreactor.deployment.spec import Deployment, Host
from rlreactor.errors import PlanError

__all__ = ["batch_script", "dry_run"]


def dry_run(deployment: Deployment, job: Job, spec: str) -> str:
    """The script that `sbatch` gets, and after it, as comments, what a step within the job starts on every node.

    Raises PlanError without hosts, and for a host that has nothing to do.
    """
    script = batch_script(deployment, spec)
    check_all_used(deployment, job)
    slots = [f"# {heading(job, index)}" for index in range(len(job.slots))]
    command = " ".join(worker_command(job, "$SLURM_PROCID", CALLER))
    return "\n".join([script, "# on every node:", f"# {command}", *slots, ""])


def batch_script(deployment: Deployment, spec: str, *, resume: bool = False) -> str:
    """What `sbatch` gets. Raises PlanError without hosts.

    Args:
        deployment: its hosts are the components, each with as many nodes as machines.
        spec: path of the spec's file, as all nodes see it.
        resume: go on from the newest snapshot.
    """
    if not deployment.hosts:
        raise PlanError("the engine slurm needs hosts: list them in the spec, or one with a `count`")
    section = deployment.slurm
    options = [f"#SBATCH {shlex.quote(option)}" for option in _of_the_job(deployment)]
    for index, host in enumerate(deployment.hosts):
        options += ["#SBATCH hetjob"] * (index > 0)
        options += [f"#SBATCH {shlex.quote(option)}" for option in _of_component(section, host)]
    run = [*shlex.split(section.python), "-m", "rlreactor.cli", "deploy", spec, "--engine", "slurm"]
    run += ["--resume"] * resume
    return "\n".join(["#!/bin/sh", *options, "set -eu", *section.setup, f"exec {shlex.join(run)}", ""])


def _of_the_job(deployment: Deployment) -> Iterator[str]:
    section = deployment.slurm
    yield f"--job-name={deployment.name}"
    yield "--requeue" if section.requeue else "--no-requeue"
    if section.requeue:
        yield "--open-mode=append"
    if section.directory != ".":
        yield f"--chdir={section.directory}"


def _of_component(section: SlurmSection, host: Host) -> Iterator[str]:
    for name in ("partition", "account", "qos", "time"):
        value = getattr(section, name)
        if value is not None:
            yield f"--{name}={value}"
    yield f"--nodes={host.count}"
    yield "--ntasks-per-node=1"
    yield f"--cpus-per-task={host.cores}"
    if host.memory is not None:
        yield f"--mem={-(-host.memory // (1 << 20))}M"
    if host.gpus:
        yield f"--gpus-per-node={host.gpus}"
    yield from section.options
