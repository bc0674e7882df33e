"""What happens with the metrics of a training run while it lasts."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable

from rlreactor.commands.run_folder import RunFolder
from rlreactor.observe.files import FileError
from rlreactor.observe.history import History
from rlreactor.observe.jsonl import JsonLines
from rlreactor.observe.process_clock import seconds_since_process_start
from rlreactor.observe.progress import Progress
from rlreactor.observe.tensorboard import TensorBoard
from rlreactor.observe.throughput import Throughput
from rlreactor.runtime.metrics import Metric

__all__ = ["Recorder"]


class Recorder:
    """Writes metrics to the run's folder, shows the progress and keeps the time.

    Called from within the run, where an exception would be taken for one of a reaction: a file that cannot be written
    ends the run as Ctrl-C does, and `failure` says why.

    Args:
        folder: the run's.
        learner: path of the reactor whose "env_steps" count.
        progress: shows it.
        history: what was logged before, where the run goes on.
    """

    def __init__(self, folder: RunFolder, learner: str, progress: Progress, history: History) -> None:
        self._folder = folder
        self._learner = learner
        self._lines: JsonLines | None = None
        self._resources = contextlib.ExitStack()
        self._sinks: list[Callable[[Metric], None]] = []
        self._progress = progress
        self.history = history
        self.throughput = Throughput(done=history.last(learner, "env_steps") or 0)
        self.seconds_to_first_update: float | None = None
        self.failure: FileError | None = None

    def __call__(self, metric: Metric) -> None:
        """Take one metric."""
        if self.failure is not None:
            return
        try:
            self._note(metric)
        except FileError as failure:
            self.failure = failure
            signal.raise_signal(signal.SIGTERM)

    def _note(self, metric: Metric) -> None:
        if metric.path == self._learner:
            self._clock(metric)
        if not self._sinks:
            self._open()
        for sink in self._sinks:
            sink(metric)

    def _clock(self, metric: Metric) -> None:
        if self.seconds_to_first_update is None:
            self.seconds_to_first_update = round(seconds_since_process_start(), 3)
        self.throughput.add(int(metric.values["env_steps"]))

    def _open(self) -> None:
        """Only now, when the workers are busy: none of this delays the first update."""
        lines = self._lines = JsonLines(self._folder.metrics, self.history.seconds)
        self._resources.callback(lines.close)
        board = TensorBoard(self._folder.path, self.history.metrics)
        self._resources.callback(board.close)
        self._resources.callback(self._progress.close)
        self._sinks = [lines, board, self._progress]

    def secure(self) -> None:
        """Afterwards what was written is on disk; from any thread. Raises FileError."""
        if self.failure is not None:
            raise self.failure
        if self._lines is not None:
            self._lines.secure()

    def close(self) -> None:
        """Close every file and remove the live line; a file that cannot be completed is a `failure`."""
        try:
            self._resources.close()
        except FileError as failure:
            self.failure = self.failure or failure
