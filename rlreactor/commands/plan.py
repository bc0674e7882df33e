"""`rlreactor plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from rlreactor.commands.output import Output
from rlreactor.commands.reference import TopologyOptions
from rlreactor.observe.files import write_atomically
from rlreactor.planner.placement import plan

__all__ = ["PlanOptions", "plan_command"]


class PlanOptions(TopologyOptions):
    """Place a topology on this machine and print the plan: workers, cores, edges, memory."""

    workers: Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="Processes; the planner's choice when not given."
    )
    output: Path | None = Field(default=None, description="File for the plan as YAML, which `run --plan` reads.")


def plan_command(options: PlanOptions, output: Output) -> dict[str, Any]:
    """Raises TopologyError, PlanError or FileError."""
    made = plan(options.load(), workers=options.workers)
    output.say(str(made))
    if options.output is not None:
        write_atomically(options.output, made.to_yaml().encode())
    return made.model_dump(mode="json")
