"""How the workers of all slots stand, as their caller hears it: what they report, how they fail, when that is all."""

from __future__ import annotations

import logging
from typing import Any

from rlreactor.deployment.job import Job
from rlreactor.errors import ReactorError
from rlreactor.links.distant_board import DistantBoard
from rlreactor.runtime.metrics import GatheredMetrics, Metric
from rlreactor.runtime.settlement import Settlement, error_of, first_failure
from rlreactor.runtime.stall import StallReport

__all__ = ["Standing"]

_log = logging.getLogger("rlreactor")
_KILLED = -9


class _Worker:
    """One of them."""

    def __init__(self) -> None:
        self.report: dict[str, Any] | None = None
        self.failure: dict[str, Any] | None = None
        self.status: int | None = None
        self.sleeps = 0


class Standing:
    """All of them.

    Args:
        job: which workers each slot has.
        metrics: takes what reactors log.
    """

    def __init__(self, job: Job, metrics: GatheredMetrics) -> None:
        self._job = job
        self._metrics = metrics
        self._workers = [_Worker() for _ in job.plan.workers]
        self._rows = DistantBoard(len(self._workers), None)
        self._settlement = Settlement(self._rows, lambda worker: self._workers[worker].sleeps)
        self._slot_failures: list[dict[str, Any]] = []
        self._stalls = StallReport()

    # What is heard; `name` is that of the slot

    def hear(self, name: str, index: int, what: str, fields: dict[str, Any]) -> None:
        """A worker says something."""
        worker = self._workers[index]
        if what == "metrics":
            self._metrics.take(Metric(*metric) for metric in fields["metrics"])
        elif what == "stalled":
            self._stalls.hear(index, fields["lines"])
        elif what == "warning":
            _log.warning("%s, worker %d: %s", name, index, fields["text"])
        elif what == "done":
            worker.report = fields
        elif what == "failed":
            worker.failure = {**fields, "note": f"on {name}, worker {index}"}

    def end(self, worker: int, status: int) -> None:
        """Its process has ended."""
        self._workers[worker].status = status

    def note_rows(self, rows: dict[int, tuple[bytes, int]]) -> None:
        """How far workers are, and how often each has slept."""
        for worker, (row, sleeps) in rows.items():
            self._rows.update(worker, row)
            self._workers[worker].sleeps = sleeps

    def fail_slot(self, name: str, failure: str, text: str) -> None:
        """A slot failed before or beside its workers."""
        self._slot_failures.append({"failure": failure, "text": f"{name}: {text}", "note": f"on {name}"})

    def lose_slot(self, name: str, slot: int, how: str) -> None:
        """A slot is gone, and its workers with it."""
        if not any(failure["note"] == f"on {name}" for failure in self._slot_failures):
            self.fail_slot(name, "RunError", how)
        for worker in self._of(slot):
            if worker.status is None:
                worker.status = _KILLED

    def _of(self, slot: int) -> list[_Worker]:
        return [self._workers[worker] for worker in self._job.slots[slot].workers]

    # What it comes to

    def tell_stalls(self) -> None:
        """Warn of workers that wait, when it is time for that."""
        self._stalls.tell_if_due()

    def has_said_all(self, slot: int) -> bool:
        """Whether all of a slot's workers have ended."""
        return all(worker.status is not None for worker in self._of(slot))

    @property
    def reports(self) -> list[dict[str, Any]]:
        """Of those that are done."""
        return [worker.report for worker in self._workers if worker.report is not None]

    @property
    def failures(self) -> list[dict[str, Any]]:
        """Of workers, and of slots."""
        return [*(w.failure for w in self._workers if w.failure is not None), *self._slot_failures]

    @property
    def some_slot_failed(self) -> bool:
        """Whether more is wrong than a reaction or a worker."""
        return bool(self._slot_failures)

    @property
    def settled(self) -> bool:
        """Whether no failure can come any more that would count before the first of those that there are."""
        ended = {i for i, w in enumerate(self._workers) if w.status is not None or w.failure is not None}
        return self._settlement.settled(first_failure(self.failures), ended)

    @property
    def done(self) -> bool:
        """Whether every worker has reported."""
        return all(worker.report for worker in self._workers)

    def over(self, *, without_ends: bool) -> bool:
        """Whether every worker has ended; or, without waiting for ends, has reported."""
        return all(w.status is not None or (w.report is not None and without_ends) for w in self._workers)

    def error(self) -> ReactorError:
        """The first failure, with a note of where it was."""
        failure = first_failure(self.failures)
        error = error_of(failure, [*self.failures, *self.reports])
        error.add_note(str(failure["note"]))
        return error
