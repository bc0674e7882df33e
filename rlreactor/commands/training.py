"""`rlreactor train`, whatever the algorithm: run a topology and keep everything about it in a folder."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from rlreactor.commands.failure import Interruption
from rlreactor.commands.outcome import Outcome
from rlreactor.commands.output import Output
from rlreactor.commands.recorder import Recorder
from rlreactor.commands.run_folder import RunFolder
from rlreactor.commands.this_command import this_command
from rlreactor.commands.train_options import TrainOptions
from rlreactor.graph import Graph, check
from rlreactor.observe.checkpoint import Checkpoint, save_checkpoint
from rlreactor.observe.curve import Curve, draw_curve
from rlreactor.observe.files import write_atomically
from rlreactor.observe.manifest import describe_program, describe_surroundings, now
from rlreactor.observe.progress import progress
from rlreactor.planner.placement import plan as make_plan
from rlreactor.planner.plan import Plan
from rlreactor.reactor import Reactor
from rlreactor.runtime.result import Interrupt
from rlreactor.runtime.run import run

__all__ = ["Training", "train"]


class Training(NamedTuple):
    """A topology that trains, and where in it things are.

    Attributes:
        algorithm: its name.
        topology: what runs.
        ticks: logical time, in ns, of the last update.
        steps: environment steps up to then.
        learner: path of the reactor with the states "weights", "update" and "env_steps".
        evaluators: paths of the reactors with the state "returns".
        about: what a checkpoint tells beside the weights: plain data.
        packages: distributions whose versions the result depends on.
    """

    algorithm: str
    topology: Reactor
    ticks: int
    steps: int
    learner: str
    evaluators: tuple[str, ...]
    about: Mapping[str, Any]
    packages: Iterable[str]


def train(training: Training, options: TrainOptions, output: Output) -> dict[str, Any]:
    """Train, fill the run's folder, and return the figures. Raises ReactorError, or Interruption after Ctrl-C."""
    graph = check(training.topology)
    plan = make_plan(graph, workers=options.workers)
    folder = RunFolder.make(options.run_dir, f"{options.env}-{training.algorithm}-{options.seed}")
    with folder.recorded():
        _begin(training, graph, plan, options, folder)
        outcome = _run(training, plan, options, folder)
        figures = _keep(training, options, folder, outcome)
        _draw(training, graph, plan, options, folder, outcome)
    if outcome.signal_number is not None:
        raise Interruption(_interrupted_text(figures, folder), outcome.signal_number, figures)
    output.say(_finished_text(figures, folder))
    return figures


def _begin(training: Training, graph: Graph, plan: Plan, options: TrainOptions, folder: RunFolder) -> None:
    write_atomically(folder.plan, plan.to_yaml().encode())
    program = describe_program(graph, options.seed)
    surroundings = describe_surroundings(training.packages)
    folder.record({"status": "running", "started": now(), **program, **surroundings, "plan": folder.plan.name})


def _run(training: Training, plan: Plan, options: TrainOptions, folder: RunFolder) -> Outcome:
    recorder = Recorder(folder, training.learner, progress(sys.stderr, training.steps, quiet=options.quiet))
    with contextlib.closing(recorder):
        try:
            result = run(training.topology, plan=plan, timeout=training.ticks, seed=options.seed, observe=recorder)
            number = None
        except Interrupt as interrupt:
            result, number = interrupt.result, interrupt.signal_number
    return Outcome(training.learner, training.evaluators, result, recorder, number)


def _keep(training: Training, options: TrainOptions, folder: RunFolder, outcome: Outcome) -> dict[str, Any]:
    """Checkpoint and manifest: first, and apart from the pictures, which somebody in a hurry may break off."""
    figures = {**outcome.figures(), "env": options.env, "seed": options.seed, "run_dir": str(folder.path)}
    if outcome.update:
        about = {"algorithm": training.algorithm, "seed": options.seed, **training.about}
        about |= {"update": outcome.update, "env_steps": outcome.env_steps}
        save_checkpoint(folder.checkpoint, Checkpoint(outcome.weights, about))
    if outcome.recorder.failure is not None:
        raise outcome.recorder.failure
    status = "finished" if outcome.signal_number is None else "interrupted"
    folder.record({"status": status, "finished": now(), **figures})
    return figures


def _draw(
    training: Training, graph: Graph, plan: Plan, options: TrainOptions, folder: RunFolder, outcome: Outcome
) -> None:
    from rlreactor.observe.diagram import mermaid, svg

    write_atomically(folder.mermaid, mermaid(graph, plan).encode())
    write_atomically(folder.picture, svg(graph, plan).encode())
    title = f"{training.algorithm.upper()} on {options.env}, seed {options.seed}"
    steps, returns = outcome.learning_curve()
    if steps:
        draw_curve(Curve(title, steps, returns, outcome.evaluation), folder.curve)


def _interrupted_text(figures: Mapping[str, Any], folder: RunFolder) -> str:
    if not figures["updates"]:
        return f"interrupted before the first update: there is no checkpoint; {folder.path} tells what was started"
    return (
        f"interrupted after {figures['env_steps']:,} steps; the policy so far is in {folder.checkpoint}\n"
        f"see what it is worth: {this_command()} eval {folder.checkpoint}"
    )


def _finished_text(figures: Mapping[str, Any], folder: RunFolder) -> str:
    lines = [_figures_text(figures)]
    if not figures["updates"]:
        return lines[0]
    lines += [
        f"  checkpoint  {folder.checkpoint}",
        f"  curve       {folder.curve}",
        f"  picture     {folder.picture}",
        f"  metrics     {folder.metrics}, and for: tensorboard --logdir {folder.path}",
        "show the trained policy:",
        f"  {this_command()} eval {folder.checkpoint} --video {folder.path / 'video'}",
    ]
    return "\n".join(lines)


def _figures_text(figures: Mapping[str, Any]) -> str:
    parts = [f"{figures['env_steps']:,} steps at {figures['steps_per_second']:,.0f} steps/s"]
    parts.append(f"{figures['workers']} worker" + ("" if figures["workers"] == 1 else "s"))
    if figures["mean_return"] is not None:
        parts.append(f"return {figures['mean_return']:.1f} in training")
    if figures["eval_return"] is not None:
        parts.append(f"{figures['eval_return']:.1f} in evaluation")
    return " · ".join(parts)
