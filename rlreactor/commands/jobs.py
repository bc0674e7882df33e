"""`rlreactor status`, `logs` and `stop`: a deployment that an engine runs by itself, found again by its spec."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from rlreactor.commands.failure import UsageError
from rlreactor.commands.options import CommandOptions, Shown
from rlreactor.commands.output import Output
from rlreactor.commands.spec_file import read_spec
from rlreactor.deployment.engines.sections import EngineName
from rlreactor.deployment.engines.slurm_queue import SlurmJob, find

__all__ = ["JobOptions", "logs_command", "status_command", "stop_command"]

_ELSEWHERE = {
    "local": "a deployment on this machine lasts as long as `rlreactor deploy` does; look there",
    "ssh": "a deployment over ssh lasts as long as `rlreactor deploy` does; look there",
    "ray": "a deployment on Ray lasts as long as `rlreactor deploy` does; look there",
    "kubernetes": "kubectl knows it: kubectl get jobset, kubectl logs, kubectl delete jobset",
}


class JobOptions(CommandOptions):
    """A deployment in Slurm's queue: how it is, what it says, or its end."""

    spec: Annotated[Path, Shown(metavar="SPEC", positional=True)] = Field(
        description="The deployment's file: .yaml, .toml or .json."
    )
    engine: EngineName | None = Field(default=None, description="What runs it; the spec's own when not given.")


def status_command(options: JobOptions, output: Output) -> dict[str, Any]:
    """Raises UsageError or RunError."""
    job = _job(options)
    state = job.state()
    output.say(state)
    return {"job": job.number, "state": state}


def logs_command(options: JobOptions, output: Output) -> dict[str, Any]:
    """Until the job has ended. Raises UsageError or RunError."""
    job = _job(options)
    job.follow(lambda text: print(text, end="", flush=True))
    return {"job": job.number, "log": str(job.log)}


def stop_command(options: JobOptions, output: Output) -> dict[str, Any]:
    """Raises UsageError or RunError."""
    job = _job(options)
    job.stop()
    output.say(f"ended job {job.number}")
    return {"job": job.number}


def _job(options: JobOptions) -> SlurmJob:
    deployment = read_spec(options.spec)
    engine = options.engine or deployment.engine
    if engine != "slurm":
        raise UsageError(_ELSEWHERE[engine])
    return find(deployment)
