"""`rlreactor resume`, whatever the algorithm: go on with a training run from its newest snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from rlreactor.commands.closing_words import ended
from rlreactor.commands.failure import UsageError
from rlreactor.commands.going_on import GoingOn
from rlreactor.commands.options import CommandOptions, Shown
from rlreactor.commands.output import Output
from rlreactor.commands.plan_file import read_plan
from rlreactor.commands.run_folder import RunFolder
from rlreactor.commands.training import Training
from rlreactor.commands.training_run import TrainingRun
from rlreactor.graph import Graph, check
from rlreactor.planner.fit import check_fit
from rlreactor.planner.links import CARRIER_HELP, LinkCarrier
from rlreactor.planner.placement import plan as make_plan
from rlreactor.planner.plan import Plan
from rlreactor.reactor import Reactor
from rlreactor.reference import ReferenceProblem, load

__all__ = ["ResumeOptions", "resume_command"]


class ResumeOptions(CommandOptions):
    """Go on with training that was killed, interrupted or failed, from its newest snapshot, in the same folder.

    It ends as if nothing had happened: with the same weights, byte for byte, wherever it goes on.
    """

    folder: Annotated[Path, Shown(metavar="FOLDER", positional=True)] = Field(
        description="Folder of a run of `rlreactor train --snapshots`."
    )
    workers: Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="Processes; the planner's choice when none; never changes the result."
    )
    plan: Path | None = Field(default=None, description="Placement from a file, in place of the planner's.")
    carrier: LinkCarrier = Field(default="memory", description=CARRIER_HELP)
    quiet: Annotated[bool, Shown(switch=True)] = Field(default=False, description="Show no progress.")


def resume_command(
    options: ResumeOptions, output: Output, training_of: Callable[[str, Reactor], Training]
) -> dict[str, Any]:
    """Train on, and return the figures of the whole run. Raises ReactorError, or Interruption after Ctrl-C.

    Args:
        options: which run.
        output: where to speak.
        training_of: what to train, from the name of the algorithm and the topology.
    """
    folder = RunFolder.reopen(options.folder)
    with folder.held():
        known = folder.read_manifest()
        _check(known, folder)
        training = training_of(known["algorithm"], _topology(known, folder))
        graph = check(training.topology)
        plan = _plan(options, graph)
        start = GoingOn.of(folder)
        output.say(_announcement(start, training, folder))
        run = TrainingRun(
            training, graph, plan, folder, seed=known["seed"], snapshots=True, quiet=options.quiet,
            known=known, start=start,
        )  # fmt: skip
        return run.conclude(output)


def _check(known: Mapping[str, Any], folder: RunFolder) -> None:
    if known.get("status") == "finished":
        raise UsageError(ended(known, folder))
    if "snapshots" not in known:
        raise UsageError(
            f"{folder.path} cannot be resumed: its training was started without --snapshots, and so must be started "
            "again"
        )


def _topology(known: Mapping[str, Any], folder: RunFolder) -> Reactor:
    try:
        return load(known["topology"], known["parameters"])
    except ReferenceProblem as problem:
        raise UsageError(f"{folder.manifest}: topology: {problem}") from None


def _plan(options: ResumeOptions, graph: Graph) -> Plan:
    if options.plan is None:
        return make_plan(graph, workers=options.workers, carrier=options.carrier)
    if options.workers is not None:
        raise UsageError("--workers: the plan says how many there are; give one of --plan and --workers")
    plan = read_plan(options.plan)
    check_fit(plan, graph)
    return plan


def _announcement(start: GoingOn, training: Training, folder: RunFolder) -> str:
    if start.snapshot is None:
        return f"{folder.path} has no snapshot that was finished: its training begins anew"
    done = start.history.last(training.learner, "env_steps") or 0
    return f"{folder.path} goes on after {done:,} of {training.steps:,} steps"
