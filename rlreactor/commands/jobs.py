"""`rlreactor status`, `logs` and `stop`: a deployment that runs, found again by its spec.

What is in Slurm's queue is asked for there. Over ssh, on Ray and on this machine a run is the process that deploys it.
Kubernetes is asked with its own command, which is told in full.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from rlreactor.commands.failure import UsageError
from rlreactor.commands.options import CommandOptions, Shown
from rlreactor.commands.output import Output
from rlreactor.commands.spec_file import read_spec
from rlreactor.deployment.engines.kubernetes import kubectl_words
from rlreactor.deployment.engines.sections import EngineName
from rlreactor.deployment.engines.slurm_queue import SlurmJob, find
from rlreactor.errors import RunError

if TYPE_CHECKING:
    from rlreactor.deployment.running_here import RunHere

__all__ = ["JobOptions", "logs_command", "status_command", "stop_command"]


class JobOptions(CommandOptions):
    """A deployment that runs: how it is, what it says, or its end."""

    spec: Annotated[Path, Shown(metavar="SPEC", positional=True)] = Field(
        description="The deployment's file: .yaml, .toml or .json."
    )
    engine: EngineName | None = Field(default=None, description="What runs it; the spec's own when not given.")


def status_command(options: JobOptions, output: Output) -> dict[str, Any]:
    """Raises UsageError or RunError."""
    found = _found(options, "status")
    if isinstance(found, SlurmJob):
        state = found.state()
        output.say(state)
        return {"job": found.number, "state": state}
    for run in found:
        output.say(f"process {run.pid}: running for {run.seconds:.0f} s")
    return {"processes": [run.pid for run in found]}


def logs_command(options: JobOptions, output: Output) -> dict[str, Any]:
    """Of a job in Slurm's queue, until it has ended; of others, where to look. Raises UsageError or RunError."""
    found = _found(options, "logs")
    if isinstance(found, SlurmJob):
        found.follow(lambda text: print(text, end="", flush=True))
        return {"job": found.number, "log": str(found.log)}
    for run in found:
        where = "the terminal that it was started in"
        output.say(f"process {run.pid} writes to {_tail(run.output) if run.output else where}")
    metrics = read_spec(options.spec).run.metrics
    if metrics is not None:
        output.say(f"metrics, relative to where it was started: {_tail(Path(metrics))}")
    return {"processes": {str(run.pid): None if run.output is None else str(run.output) for run in found}}


def stop_command(options: JobOptions, output: Output) -> dict[str, Any]:
    """Raises UsageError or RunError."""
    found = _found(options, "stop")
    if isinstance(found, SlurmJob):
        found.stop()
        output.say(f"ended job {found.number}")
        return {"job": found.number}
    for run in found:
        run.stop()
        output.say(f"told process {run.pid} to stop at its next tag")
    return {"processes": [run.pid for run in found]}


def _tail(file: Path) -> str:
    return shlex.join(["tail", "--follow=name", str(file)])


def _found(options: JobOptions, command: str) -> SlurmJob | list[RunHere]:
    deployment = read_spec(options.spec)
    engine = options.engine or deployment.engine
    if engine == "slurm":
        return find(deployment)
    if engine == "kubernetes":
        raise UsageError(f"the cluster knows it; run: {shlex.join(kubectl_words(deployment, command))}")
    return _here(options.spec, command)


def _here(spec: Path, command: str) -> list[RunHere]:
    from rlreactor.deployment.running_here import runs_here  # looks at every process, for which it needs psutil

    found = runs_here(spec)
    if not found:
        raise RunError(
            f"no rlreactor deploy of {spec.resolve()} by you runs on this machine, and such a run lasts as long as "
            f"that; where it was started: {shlex.join(['rlreactor', command, str(spec)])}"
        )
    return found
