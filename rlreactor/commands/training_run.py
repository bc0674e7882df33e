"""One training run: from its beginning, or from a snapshot, to its end."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Mapping
from typing import Any

from rlreactor.commands.closing_words import broken_off, finished, interrupted, to_go_on, without_pictures
from rlreactor.commands.failure import Interruption, ignore_signals, number_of
from rlreactor.commands.going_on import GoingOn, manifest_going_on, unlike
from rlreactor.commands.outcome import Outcome
from rlreactor.commands.output import Output
from rlreactor.commands.recorder import Recorder
from rlreactor.commands.reprieve import Reprieve
from rlreactor.commands.run_folder import RunFolder
from rlreactor.commands.training import Training
from rlreactor.commands.user_traceback import concise
from rlreactor.errors import RunError
from rlreactor.graph import Graph
from rlreactor.observe.checkpoint import Checkpoint, save_checkpoint
from rlreactor.observe.curve import Curve, draw_curve
from rlreactor.observe.files import FileError, write_atomically
from rlreactor.observe.history import History
from rlreactor.observe.jsonl import plain
from rlreactor.observe.manifest import describe_program, describe_surroundings, now
from rlreactor.observe.progress import progress
from rlreactor.planner.plan import Plan
from rlreactor.runtime.result import Interrupt, Result
from rlreactor.runtime.run import run
from rlreactor.scheduler.failure import ReactionFailure

__all__ = ["TrainingRun"]

_log = logging.getLogger("rlreactor")


class TrainingRun:
    """A training run and its folder.

    Args:
        training: what is trained.
        graph: its topology.
        plan: where everything runs.
        folder: where everything about it goes.
        seed: of every random number.
        snapshots: whether to keep some.
        quiet: whether to show no progress.
        known: the manifest of a run that goes on.
        start: from where it goes on; None: it begins.
    """

    def __init__(
        self,
        training: Training,
        graph: Graph,
        plan: Plan,
        folder: RunFolder,
        *,
        seed: int,
        snapshots: bool,
        quiet: bool,
        known: Mapping[str, Any] | None = None,
        start: GoingOn | None = None,
    ) -> None:
        self._training = training
        self._graph = graph
        self._plan = plan
        self._folder = folder
        self._seed = seed
        self._snapshots = folder.snapshots if snapshots else None
        self._quiet = quiet
        self._known = known
        self._start = start or GoingOn(None, 0, History())

    def conclude(self, output: Output) -> dict[str, Any]:
        """Train, and return the figures. Raises ReactorError, or Interruption after Ctrl-C."""
        try:
            with self._folder.recorded():
                outcome, number = self._go()
        except ReactionFailure as failure:
            where = f"the whole traceback is in {self._folder.manifest}"
            raise RunError(f"{concise(failure)}\n{where}{self._to_go_on()}") from None
        except RunError as error:
            raise RunError(f"{error}{self._to_go_on()}") from None
        figures = self._figures(outcome)
        if number is not None:
            told = without_pictures if outcome.signal_number is None else interrupted
            raise Interruption(told(figures, self._folder), number, figures)
        output.say(finished(figures, self._folder))
        return figures

    def _to_go_on(self) -> str:
        """Unless it would only fail again where it has failed now: at its beginning."""
        return to_go_on(self._folder, after=self._start.cut)

    def _go(self) -> tuple[Outcome, int | None]:
        """The outcome, and the signal that ended this if one did."""
        self._begin()
        recorder = self._recorder()
        with Reprieve(lambda: recorder.seconds_to_first_update is not None) as reprieve:
            outcome = self._run(recorder)
            self._save(outcome)
            self._folder.record({"status": outcome.status, "finished": now(), **self._figures(outcome)})
        # First what matters, and then the pictures, which somebody in a hurry may break off.
        in_a_hurry = reprieve.number or self._draw(outcome)
        return outcome, outcome.signal_number or in_a_hurry

    def _figures(self, outcome: Outcome) -> dict[str, Any]:
        about = {"env": self._training.environment, "seed": self._seed, "run_dir": str(self._folder.path)}
        return {**outcome.figures(), **about}

    def _begin(self) -> None:
        write_atomically(self._folder.plan, self._plan.to_yaml().encode())
        facts = plain(self._facts())
        if self._known is not None:
            for difference in unlike(self._known, facts):
                _log.warning("the same bits are not sure any more, since this run began with %s", difference)
            facts = manifest_going_on(self._known, facts, self._start.cut)
        self._folder.record(facts)

    def _facts(self) -> dict[str, Any]:
        """What the manifest says of the beginning: all that is needed to go on, too."""
        return {
            "status": "running",
            "started": now(),
            "algorithm": self._training.algorithm,
            **describe_program(self._graph, self._seed),
            **describe_surroundings(self._training.packages),
            "plan": self._folder.plan.name,
            **({} if self._snapshots is None else {"snapshots": self._snapshots.name}),
        }

    def _recorder(self) -> Recorder:
        training, history = self._training, self._start.history
        done = history.last(training.learner, "env_steps") or 0
        line = progress(sys.stderr, training.steps, done=done, quiet=self._quiet)
        return Recorder(self._folder, training.learner, line, history)

    def _run(self, recorder: Recorder) -> Outcome:
        try:
            with contextlib.closing(recorder):
                result, number = self._result(recorder), None
        except Interrupt as interrupt:
            result, number = interrupt.result, interrupt.signal_number
        except KeyboardInterrupt as interrupt:
            ignore_signals()
            raise type(interrupt)(broken_off(self._folder)) from None
        return Outcome(self._training.learner, self._training.evaluators, result, recorder, number)

    def _result(self, recorder: Recorder) -> Result:
        return run(
            self._training.topology,
            plan=self._plan,
            timeout=self._training.ticks,
            seed=self._seed,
            observe=recorder,
            snapshot=self._snapshots,
            before_snapshot=recorder.secure,
            resume=self._start.snapshot,
        )

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
        counts = {"seed": self._seed, "update": outcome.update, "env_steps": outcome.env_steps}
        return {"algorithm": self._training.algorithm, **self._training.about, **counts}

    def _draw(self, outcome: Outcome) -> int | None:
        """Returns the signal that broke it off if one did."""
        try:
            self._draw_all(outcome)
        except KeyboardInterrupt as interrupt:
            return number_of(interrupt)
        return None

    def _draw_all(self, outcome: Outcome) -> None:
        from rlreactor.observe.diagram import mermaid, svg

        write_atomically(self._folder.mermaid, mermaid(self._graph, self._plan).encode())
        write_atomically(self._folder.picture, svg(self._graph, self._plan).encode())
        title = f"{self._training.algorithm.upper()} on {self._training.environment}, seed {self._seed}"
        steps, returns = outcome.learning_curve()
        if steps:
            draw_curve(Curve(title, steps, returns, outcome.evaluation), self._folder.curve)
