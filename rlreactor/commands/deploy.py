"""`rlreactor deploy`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from rlreactor.commands.failure import UsageError
from rlreactor.commands.options import CommandOptions, Shown
from rlreactor.commands.output import Output
from rlreactor.commands.spec_file import compiled, read_spec
from rlreactor.deployment.compile import Compiled, job_of
from rlreactor.deployment.engines.dry_run import dry_run
from rlreactor.deployment.engines.sections import EngineName

__all__ = ["DeployOptions", "deploy_command"]


class DeployOptions(CommandOptions):
    """Run a topology on the hosts of a deployment. The result is the same, byte for byte, on any hosts and engine."""

    spec: Annotated[Path, Shown(metavar="SPEC", positional=True)] = Field(
        description="The deployment's file: .yaml, .toml or .json."
    )
    parameters: Annotated[tuple[str, ...], Shown(name="set", metavar="NAME=VALUE", repeated=True)] = Field(
        default=(), description="A parameter of the topology, before that of the spec; the value is JSON, or else text."
    )
    engine: EngineName | None = Field(default=None, description="What starts the slots; the spec's own when not given.")
    dry_run: Annotated[bool, Shown(switch=True)] = Field(
        default=False, description="Print what the engine would be given, and start nothing."
    )


def deploy_command(options: DeployOptions, output: Output) -> dict[str, Any]:
    """Raises UsageError, UserCodeError, TopologyError, PlanError and RunError."""
    found = compiled(read_spec(options.spec, options.parameters))
    engine = options.engine or found.deployment.engine
    if options.dry_run:
        return _described(found, engine, options, output)
    raise UsageError("only --dry-run is there yet")


def _described(found: Compiled, engine: EngineName, options: DeployOptions, output: Output) -> dict[str, Any]:
    job = job_of(found, engine)
    text = dry_run(engine, found.deployment, job, str(options.spec))
    output.say(text.rstrip("\n"))
    slots = [slot.model_dump(mode="json") for slot in job.slots]
    return {"engine": engine, "plan": job.plan_hash, "slots": slots, "text": text}
