"""The supervisor: forks the workers, gathers what they report, and ends everything, however it ends."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from rlreactor.graph import Graph
from rlreactor.links.status_board import StatusBoard
from rlreactor.planner.plan import Plan
from rlreactor.runtime.crew import Crew, Member
from rlreactor.runtime.meeting import lay_out
from rlreactor.runtime.metrics import Metric
from rlreactor.runtime.process import sleeps_of, threads_restored
from rlreactor.runtime.settlement import GRACE_S, Settlement, error_of, first_failure
from rlreactor.runtime.share import Options, Share
from rlreactor.runtime.signals import Signals
from rlreactor.runtime.snapshot_watch import SnapshotWatch
from rlreactor.runtime.stall import StallReport
from rlreactor.runtime.worker import Worker
from rlreactor.scheduler.failure import ReactionFailure
from rlreactor.scheduler.routes import Routes

__all__ = ["Stopped", "run_alone", "run_in_child", "supervise"]

_log = logging.getLogger("rlreactor")
_LOOK_UP_S = 0.005
_LONGEST_SELECT_S = 0.2  # a Ctrl-C that another thread has taken is handled when the main thread comes round
_REGULARLY_S = 0.1
Observer = Callable[[list[Metric]], None]
WatchOf = Callable[[int, Callable[[int], None]], SnapshotWatch]
"""Makes the watch over the snapshots of so many workers, with what tells them of a cut."""


class Stopped(Exception):
    """Carries the reports of a run that was ended from outside, and the signal that ended it."""

    def __init__(self, reports: list[dict[str, Any]], signal_number: int) -> None:
        super().__init__(signal_number)
        self.reports = reports
        self.signal_number = signal_number


def run_alone(
    graph: Graph, plan: Plan, options: Options, observe: Observer, watch_of: WatchOf | None = None
) -> list[dict[str, Any]]:
    """Run everything in this process. Raises ReactionFailure or Stopped."""
    with threads_restored(), contextlib.ExitStack() as cleanup:
        watch = None if watch_of is None else watch_of(1, lambda cut: _ask(worker, cut))
        say = None if watch is None else partial(_hear, watch)
        worker = Worker(Share(graph, plan, 0, options, None, None), observe, say)
        if watch is not None:
            cleanup.callback(watch.close)
            cleanup.enter_context(regularly(watch.look))
        try:
            with Signals(worker.interrupt) as signals:
                report = worker.run()
        except ReactionFailure as failure:
            failure.happened = [worker.tape.happened()]
            raise
    if signals.received is not None:
        raise Stopped([report], signals.received)
    return [report]


def _hear(watch: SnapshotWatch, answer: str, **fields: Any) -> None:
    watch.hear(0, answer, fields)


def _ask(worker: Worker, cut: int) -> None:
    if worker.snapshotter is not None:
        worker.snapshotter.ask(cut)


@contextlib.contextmanager
def regularly(look: Callable[[], None]) -> Generator[None]:
    """Meanwhile a thread looks, some ten times a second."""
    ended = threading.Event()

    def keep_looking() -> None:
        while not ended.wait(_REGULARLY_S):
            look()

    thread = threading.Thread(target=keep_looking, name="rlreactor-snapshots", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def run_in_child(graph: Graph, plan: Plan, options: Options) -> dict[str, Any]:
    """Run everything in one new process, which leaves this one as it is. Raises RunError or Stopped."""
    crew = _Supervision(lambda _: None, None)
    try:
        with Signals(crew.ask_to_stop) as signals:
            crew.hire(Share(graph, plan, 0, options, None, None))
            reports = crew.gather()
    finally:
        crew.dismiss()
    if signals.received is not None:
        raise Stopped(reports, signals.received)
    return reports[0]


def supervise(
    graph: Graph, plan: Plan, options: Options, observe: Observer, watch_of: WatchOf | None = None
) -> list[dict[str, Any]]:
    """Run every worker in a process of its own. Raises RunError, LinkError or Stopped; leaves nothing behind."""
    worker_of = {path: worker.index for worker in plan.workers for path in worker.reactors}
    routes = Routes.of(graph, worker_of, len(plan.workers))
    meeting = lay_out(graph, plan, routes)
    crew = _Supervision(observe, meeting.watch(), None if watch_of is None else partial(watch_of, len(plan.workers)))
    try:
        with Signals(crew.ask_to_stop) as signals:
            for worker in plan.workers:
                crew.hire(Share(graph, plan, worker.index, options, meeting, routes))
            meeting.close()
            reports = crew.gather()
    finally:
        crew.dismiss()
        meeting.remove()
    if signals.received is not None:
        raise Stopped(reports, signals.received)
    return reports


class _Supervision(Crew):
    """The workers of a run that is all on this host."""

    def __init__(
        self,
        observe: Observer,
        board: StatusBoard | None,
        watch_of: Callable[[Callable[[int], None]], SnapshotWatch] | None = None,
    ) -> None:
        super().__init__(self._take)
        self._snapshots = None if watch_of is None else watch_of(self.ask_for_snapshot)
        self._observe = observe
        self._stalls = StallReport()
        self._settlement = None if board is None else Settlement(board, lambda w: sleeps_of(self.members[w].pid))

    def gather(self) -> list[dict[str, Any]]:
        """Wait for every worker's report. Raises the failure with the lowest tag, and at one tag the lowest rank."""
        deadline = math.inf
        while any(member.status is None for member in self.members) and time.monotonic() < deadline:
            failed = any(member.failure for member in self.members)
            due = self._stalls.due_in_s()
            self.attend(_LOOK_UP_S if failed else _LONGEST_SELECT_S if due is None else due)
            self._stalls.tell_if_due()
            if self._snapshots is not None:
                self._snapshots.look()
            if not self.asked_to_stop and any(member.failure for member in self.members):
                if deadline == math.inf:
                    deadline = time.monotonic() + GRACE_S
                if self._settled():
                    self.ask_to_stop()
            if not self.asked_to_stop and all(member.report for member in self.members):
                self.ask_to_stop()  # nobody is left who could want what some of them may still be sending
        failures = [m.failure for m in self.members if m.failure is not None]
        reports = [m.report for m in self.members if m.report is not None]
        if failures:
            raise error_of(first_failure(failures), [*failures, *reports])
        return reports

    def dismiss(self) -> None:
        """Make sure that no process of the run is left, nor its memory, which would wait for the garbage collector."""
        super().dismiss()
        self._settlement = None
        if self._snapshots is not None:
            self._snapshots.close()

    def _settled(self) -> bool:
        """Whether no worker that still runs can fail before what has failed already."""
        if self._settlement is None:
            return True
        failure = first_failure([m.failure for m in self.members if m.failure is not None])
        return self._settlement.settled(
            failure, {m.share.worker for m in self.members if m.status is not None or m.failure is not None}
        )

    def _take(self, member: Member, kind: str, message: dict[str, Any]) -> None:
        if kind == "metrics":
            self._observe([Metric(*metric) for metric in message["metrics"]])
        elif kind == "stalled":
            self._stalls.hear(member.share.worker, message["lines"])
        elif kind == "snapshot" and self._snapshots is not None:
            self._snapshots.hear(member.share.worker, message.pop("answer"), message)
        elif kind == "warning":
            _log.warning("worker %d: %s", member.share.worker, message["text"])
