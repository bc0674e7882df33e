"""What a run hands back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rlreactor.errors import RunError, did_you_mean
from rlreactor.planner.plan import Plan
from rlreactor.runtime.comparison import Compared, compared, comparison_text
from rlreactor.runtime.metrics import Series
from rlreactor.scheduler.recorder import Trace
from rlreactor.tag import Tag

__all__ = ["Interrupt", "Result"]


class Result:
    """The outcome of a run.

    Attributes:
        tag: the last tag that was processed.
        trace: every value that a reaction set, as (tag, path, value); empty unless `trace=True`.
        fingerprint: hash of the whole trace, the same for every placement; empty when switched off.
        metrics: what reactors logged, by "path.name", as lists of (tag, value).
        plan: the placement that was used.
        workers: per worker what was measured: tags, seconds run and waited, the same for its typical part ("steady"),
            resident bytes, bytes sent to each other worker, the cores that the kernel gave, and with `measure=True`
            where its "time" went (`runtime.time_use`).
        costs: seconds per tag that each reactor took at the tags at which it reacted; empty unless `measure=True`.
        interrupted: whether the run was ended from outside (Ctrl-C).
    """

    def __init__(
        self,
        tag: Tag,
        trace: Trace,
        fingerprint: str,
        metrics: Mapping[str, Series],
        states: Mapping[str, Mapping[str, Any]],
        plan: Plan,
        workers: list[dict[str, Any]],
        costs: Mapping[str, float],
        interrupted: bool,
    ) -> None:
        self.tag = tag
        self.trace = trace
        self.fingerprint = fingerprint
        self.metrics = metrics
        self.plan = plan
        self.workers = workers
        self.costs = costs
        self.interrupted = interrupted
        self._states = states

    def state(self, path: str = "") -> dict[str, Any]:
        """The state fields of the reactor at `path` (relative to the topology) at the stop.

        Fields that are not plain data are `Unsaved`. Raises RunError for an unknown path.
        """
        if path not in self._states:
            raise RunError(f"no reactor at {path!r}; {did_you_mean(path, self._states)}")
        return dict(self._states[path])

    def compared(self) -> list[Compared]:
        """What the plan predicted beside what was measured: tags and bytes per second, busy share, memory."""
        return compared(self.plan, self.workers)

    def report(self) -> str:
        """The same as a table, with the cores that were planned and given, and a warning where they differ."""
        return comparison_text(self.plan, self.workers)

    def __repr__(self) -> str:
        return f"Result(tag={self.tag}, fingerprint={self.fingerprint!r}, reactors={len(self._states)})"


class Interrupt(KeyboardInterrupt):
    """Ctrl-C or SIGTERM ended the run at a tag boundary; `result` holds everything up to there."""

    def __init__(self, result: Result, signal_number: int) -> None:
        super().__init__(f"interrupted at {result.tag}")
        self.result = result
        self.signal_number = signal_number
