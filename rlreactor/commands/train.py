"""`rlreactor train`, whatever the algorithm: run a topology and keep everything about it in a folder."""

from __future__ import annotations

from typing import Any

from rlreactor.commands.failure import UsageError
from rlreactor.commands.output import Output
from rlreactor.commands.run_folder import RunFolder
from rlreactor.commands.train_options import TrainOptions
from rlreactor.commands.training import Training
from rlreactor.commands.training_run import TrainingRun
from rlreactor.commands.written_spec import write_spec
from rlreactor.graph import check
from rlreactor.planner.placement import plan as make_plan

__all__ = ["train"]


def train(training: Training, options: TrainOptions, output: Output) -> dict[str, Any]:
    """Train, fill the run's folder, and return the figures. Raises ReactorError, or Interruption after Ctrl-C."""
    if options.spec is not None:
        return _written(training, options, output)
    graph = check(training.topology)
    plan = make_plan(graph, workers=options.workers, carrier=options.carrier)
    folder = RunFolder.make(options.run_dir, f"{options.env}-{training.algorithm}-{options.seed}")
    with folder.held():
        run = TrainingRun(
            training, graph, plan, folder, seed=options.seed, snapshots=options.snapshots, quiet=options.quiet
        )
        return run.conclude(output)


def _written(training: Training, options: TrainOptions, output: Output) -> dict[str, Any]:
    assert options.spec is not None
    if options.snapshots:
        raise UsageError(f"--snapshots: leave it out, and name a folder for them in {options.spec}: run.snapshots")
    return write_spec(options.spec, training.topology, training.ticks, options.seed, output)
