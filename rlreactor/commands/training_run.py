"""`rlreactor train`, whatever the algorithm: run a topology and keep everything about it in a folder."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from rlreactor.commands.closing_words import broken_off, finished, interrupted
from rlreactor.commands.failure import Interruption, ignore_signals
from rlreactor.commands.outcome import Outcome
from rlreactor.commands.output import Output
from rlreactor.commands.recorder import Recorder
from rlreactor.commands.run_folder import RunFolder
from rlreactor.commands.train_options import TrainOptions
from rlreactor.commands.user_traceback import concise
from rlreactor.commands.written_spec import write_spec
from rlreactor.errors import RunError
from rlreactor.graph import Graph, check
from rlreactor.observe.checkpoint import Checkpoint, save_checkpoint
from rlreactor.observe.curve import Curve, draw_curve
from rlreactor.observe.files import FileError, write_atomically
from rlreactor.observe.manifest import describe_program, describe_surroundings, now
from rlreactor.observe.progress import progress
from rlreactor.planner.placement import plan as make_plan
from rlreactor.planner.plan import Plan
from rlreactor.reactor import Reactor
from rlreactor.runtime.result import Interrupt
from rlreactor.runtime.run import run
from rlreactor.scheduler.failure import ReactionFailure

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
    if options.spec is not None:
        return write_spec(options.spec, training.topology, training.ticks, options.seed, output)
    graph = check(training.topology)
    plan = make_plan(graph, workers=options.workers, carrier=options.carrier)
    folder = RunFolder.make(options.run_dir, f"{options.env}-{training.algorithm}-{options.seed}")
    try:
        with folder.recorded():
            figures, signal_number = _Run(training, options, graph, plan, folder).go()
    except ReactionFailure as failure:
        raise RunError(f"{concise(failure)}\nthe whole traceback is in {folder.manifest}") from None
    if signal_number is not None:
        raise Interruption(interrupted(figures, folder), signal_number, figures)
    output.say(finished(figures, folder))
    return figures


class _Run:
    """One training run and its folder."""

    def __init__(self, training: Training, options: TrainOptions, graph: Graph, plan: Plan, folder: RunFolder) -> None:
        self._training = training
        self._options = options
        self._graph = graph
        self._plan = plan
        self._folder = folder

    def go(self) -> tuple[dict[str, Any], int | None]:
        """The figures, and the signal that ended the run if one did."""
        self._begin()
        outcome = self._run()
        figures = {**outcome.figures(), **self._names()}
        # First what matters, and then the pictures, which somebody in a hurry may break off.
        self._save(outcome)
        self._folder.record({"status": outcome.status, "finished": now(), **figures})
        self._draw(outcome)
        return figures, outcome.signal_number

    def _names(self) -> dict[str, Any]:
        return {"env": self._options.env, "seed": self._options.seed, "run_dir": str(self._folder.path)}

    def _begin(self) -> None:
        write_atomically(self._folder.plan, self._plan.to_yaml().encode())
        self._folder.record({
            "status": "running",
            "started": now(),
            **describe_program(self._graph, self._options.seed),
            **describe_surroundings(self._training.packages),
            "plan": self._folder.plan.name,
        })  # fmt: skip

    def _run(self) -> Outcome:
        training, seed = self._training, self._options.seed
        line = progress(sys.stderr, training.steps, quiet=self._options.quiet)
        with contextlib.closing(Recorder(self._folder, training.learner, line)) as recorder:
            try:
                result = run(training.topology, plan=self._plan, timeout=training.ticks, seed=seed, observe=recorder)
                number = None
            except Interrupt as interrupt:
                result, number = interrupt.result, interrupt.signal_number
            except KeyboardInterrupt:
                ignore_signals()
                raise KeyboardInterrupt(broken_off(self._folder)) from None
        return Outcome(training.learner, training.evaluators, result, recorder, number)

    def _save(self, outcome: Outcome) -> None:
        """Raises FileError, also where metrics could not be written while the run lasted."""
        failure = outcome.recorder.failure
        try:
            if outcome.update:
                save_checkpoint(self._folder.checkpoint, Checkpoint(outcome.weights, self._about(outcome)))
        except FileError as error:
            raise failure or error from None
        if failure is not None:
            raise FileError(f"{failure}\n{interrupted(outcome.figures(), self._folder)}")

    def _about(self, outcome: Outcome) -> dict[str, Any]:
        counts = {"seed": self._options.seed, "update": outcome.update, "env_steps": outcome.env_steps}
        return {"algorithm": self._training.algorithm, **self._training.about, **counts}

    def _draw(self, outcome: Outcome) -> None:
        from rlreactor.observe.diagram import mermaid, svg

        write_atomically(self._folder.mermaid, mermaid(self._graph, self._plan).encode())
        write_atomically(self._folder.picture, svg(self._graph, self._plan).encode())
        title = f"{self._training.algorithm.upper()} on {self._options.env}, seed {self._options.seed}"
        steps, returns = outcome.learning_curve()
        if steps:
            draw_curve(Curve(title, steps, returns, outcome.evaluation), self._folder.curve)
