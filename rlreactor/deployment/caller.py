"""The deploying side of a run: starts the slots, follows them, and ends with the result or the first failure."""

from __future__ import annotations

import contextlib
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rlreactor import codec
from rlreactor.deployment.compile import compile_deployment, job_of
from rlreactor.deployment.engine import Engine, StartedSlots
from rlreactor.deployment.engines.choose import engine_for
from rlreactor.deployment.engines.local_slots import LocalSlots
from rlreactor.deployment.job import Job
from rlreactor.deployment.joining import Joining
from rlreactor.deployment.messages import (
    Cut,
    Ended,
    Failed,
    FromWorker,
    Join,
    Left,
    Over,
    Ready,
    Refused,
    Resume,
    Rows,
    Stop,
    Tell,
    ToSlot,
    Watch,
    fields_of,
    from_slot,
)  # fmt: skip
from rlreactor.deployment.program import graph_of, program_digest
from rlreactor.deployment.slot_watch import SlotWatch
from rlreactor.deployment.spec import Deployment
from rlreactor.deployment.standing import Standing
from rlreactor.deployment.switchboard import Said, Switchboard
from rlreactor.errors import LinkError, ReactorError, RunError
from rlreactor.graph import Graph
from rlreactor.links.keys import CALLER, make_keys, read_public, read_secret, slot_name
from rlreactor.runtime.metrics import GatheredMetrics, Metric
from rlreactor.runtime.recorded import keep_failure, recording_of
from rlreactor.runtime.result import Interrupt, Result
from rlreactor.runtime.resumption import check_snapshots, taken_up, watch_in
from rlreactor.runtime.run import result_of
from rlreactor.runtime.settlement import GRACE_S
from rlreactor.runtime.shard import part_of
from rlreactor.runtime.signals import Signals
from rlreactor.runtime.snapshotter import Resumed
from rlreactor.runtime.supervisor import WatchOf
from rlreactor.scheduler.failure import ReactionFailure

__all__ = ["deploy"]

_LOOK_S, _CLOSE_LOOK_S = 0.1, 0.005
_GOODBYE_S = 5.0
_EXIT_S = 0.5  # of a process that has put everything away


def deploy(
    job: Job | Deployment,
    engine: Engine | None = None,
    *,
    keys: Path | None = None,
    observe: Callable[[Metric], None] | None = None,
    on_start: Callable[[], None] | None = None,
    record: Path | None = None,
    snapshot: Path | None = None,
    snapshot_every: int | None = None,
    before_snapshot: Callable[[], None] | None = None,
    resume: Path | None = None,
) -> Result:
    """Run a job on the slots that an engine starts; the result is that of `rlreactor.run` on one worker.

    Args:
        job: what runs where, or the deployment that says so.
        engine: starts the slots; by default that of the deployment, or processes on this machine.
        keys: a folder that `rlreactor keys` made; new keys for this run by default.
        observe: called with every metric that a reactor logs, as it arrives.
        on_start: called when all slots are ready and have been told to start.
        record: a file to keep the physical events in; the job's options say that they are recorded.
        snapshot, snapshot_every, before_snapshot, resume: as for `rlreactor.run`; the folders are on the caller's
            machine.

    Raises what `rlreactor.run` raises; errors carry a note that names the host and the worker. Besides, LinkError when
    a slot may not take part, naming what differs, and RunError when one ends or cannot be reached any more.
    """
    if isinstance(job, Deployment):
        engine = engine or engine_for(job.engine, job)
        job = job_of(compile_deployment(job))
    graph = graph_of(job)
    engine = engine or LocalSlots()
    check_snapshots(graph, snapshot, snapshot_every, resume, recorded=record is not None)
    keeping = _Keeping.of(job, graph, snapshot, snapshot_every, resume, before_snapshot)
    with contextlib.ExitStack() as cleanup:
        fresh = tempfile.TemporaryDirectory(prefix="rlreactor-keys-")
        cleanup.callback(fresh.cleanup)
        folder = Path(fresh.name)
        if keys is None:
            make_keys(folder, len(job.slots))
        else:
            folder = keys
        publics = {slot: read_public(folder, slot_name(slot)) for slot in range(len(job.slots))}
        board = Switchboard(engine.caller_address, engine.caller_ports, read_secret(folder, CALLER), publics)
        cleanup.callback(board.close)
        slots = engine.start(job, board.endpoint, folder)
        cleanup.callback(slots.stop)

        def begun() -> None:
            fresh.cleanup()  # every slot has joined with its key: a caller that is killed leaves no secrets
            if on_start is not None:
                on_start()

        call = _Call(job, graph, board, slots, GatheredMetrics(observe), begun, record, keeping)
        cleanup.callback(call.hang_up)
        return call.run()


class _Keeping(NamedTuple):
    """Of snapshots, what is to be made and what to go on from."""

    watch_of: WatchOf | None
    first: int | None
    resumed: Resumed | None

    @staticmethod
    def of(
        job: Job,
        graph: Graph,
        snapshot: Path | None,
        every: int | None,
        resume: Path | None,
        before: Callable[[], None] | None,
    ) -> _Keeping:
        """Raises RunError for what cannot be."""
        seed, timeout = job.options.seed, job.options.timeout
        resumed = None if resume is None else taken_up(graph, resume, seed, timeout)
        if snapshot is None:
            return _Keeping(None, None, resumed)
        first = (every or 1) + (0 if resumed is None else resumed.cut)
        watch_of = watch_in(snapshot, graph, seed, first=first, every=every, resumed=resumed, before=before)
        return _Keeping(watch_of, first, resumed)


class _Call:
    """One run: passes on what slots and caller say to each other, until it is over."""

    def __init__(
        self,
        job: Job,
        graph: Graph,
        board: Switchboard,
        slots: StartedSlots,
        metrics: GatheredMetrics,
        on_start: Callable[[], None],
        record: Path | None,
        keeping: _Keeping,
    ) -> None:
        self._record = record
        self._keeping = keeping
        self._snapshots = keeping.watch_of and keeping.watch_of(len(job.plan.workers), self._ask_for_snapshot)
        self._job = job
        self._graph = graph
        self._lines = board
        self._metrics = metrics
        self._on_start = on_start
        self._joining = Joining(job, program_digest(graph))
        self._workers = Standing(job, metrics)
        self._slots = SlotWatch(job, board, slots)
        self._asked_to_stop = self._stop_said = False
        self._deadline = math.inf

    def run(self) -> Result:
        """Follow it to the end."""
        with Signals(self._ask_to_stop) as signals:
            while not self._over():
                self._attend()
        if self._workers.failures:
            raise self._failed(self._workers.error())
        reports = self._workers.reports
        if self._record is not None:
            recording_of(self._graph, self._job.options.seed, reports).save(self._record)
        result = result_of(self._graph, self._job.plan, reports, self._metrics)
        if signals.received is not None:
            raise Interrupt(result, signals.received)
        return result

    def _failed(self, error: ReactorError) -> ReactorError:
        if self._record is not None and isinstance(error, ReactionFailure):
            keep_failure(self._graph, self._job.options.seed, error, self._record)
        return error

    def _over(self) -> bool:
        if time.monotonic() > self._deadline:
            return True
        if self._workers.some_slot_failed and not self._some_run():
            return True
        return self._workers.over(without_ends=self._asked_to_stop)

    def _some_run(self) -> bool:
        """Whether anything was started that may still have to say something."""
        return self._joining.complete and not self._asked_to_stop

    def _ask_to_stop(self) -> None:
        self._asked_to_stop = True  # said by the loop: this is called by a signal handler

    def _attend(self) -> None:
        for said in self._lines.attend(_CLOSE_LOOK_S if self._workers.failures else _LOOK_S):
            self._take(said)
        for slot, how in self._slots.lost(self._workers.has_said_all):
            self._workers.lose_slot(self._joining.name(slot), slot, how)
        self._workers.tell_stalls()
        if self._snapshots is not None and self._joining.complete:
            self._snapshots.look()
        self._settle()
        if self._asked_to_stop and not self._stop_said:
            self._stop_said = True
            self._say_all(Stop())

    def _settle(self) -> None:
        """Whether everything has been said that can be."""
        if self._workers.failures and self._deadline == math.inf:
            self._deadline = time.monotonic() + GRACE_S
            self._say_all(Watch())
        if self._workers.failures and not self._asked_to_stop and self._workers.settled:
            self._asked_to_stop = True
        if self._workers.done:
            self._asked_to_stop = True  # nobody is left who could want what some of them may still be sending

    def _say(self, slot: int, message: ToSlot) -> None:
        self._lines.say(slot, **fields_of(message))

    def _say_all(self, message: ToSlot) -> None:
        for slot in range(len(self._job.slots)):
            if self._lines.joined(slot):
                self._say(slot, message)

    def _ask_for_snapshot(self, cut: int) -> None:
        self._say_all(Cut(at=cut))

    def _take(self, said: Said) -> None:
        slot, name = said.slot, self._joining.name(said.slot)
        if said.again:
            raise RunError(
                f"{name} was started again by its engine while the run went on, and nothing of what the lost process "
                "held can be taken up again. Run rlreactor deploy again, and let the engine start all slots again "
                "together (Slurm's requeue and a JobSet do), or none"
            )
        match from_slot(said.message, name):
            case Join() as join:
                self._admit(slot, self._joining.join(slot, join))
                self._say(slot, Tell(job=self._job))
            case Ready() as ready:
                self._admit(slot, self._joining.make_ready(slot, ready))
                self._start_if_complete()
            case FromWorker(worker=worker, what="snapshot", fields=fields):
                if self._snapshots is not None:
                    self._snapshots.hear(worker, fields.pop("answer"), fields)
            case FromWorker(worker=worker, what=what, fields=fields):
                self._workers.hear(name, worker, what, fields)
            case Ended(worker=worker, status=status):
                self._workers.end(worker, status)
            case Rows(rows=rows):
                self._workers.note_rows(rows)
            case Failed(failure=failure, text=text):
                self._workers.fail_slot(name, failure, text)
            case Left():
                pass  # the engine will tell that it has ended

    def _admit(self, slot: int, problem: str) -> None:
        """Raises LinkError where there is a problem."""
        if problem:
            self._say(slot, Refused(text=problem))
            raise LinkError(f"{self._joining.name(slot)} may not take part: {problem}")

    def _start_if_complete(self) -> None:
        if self._joining.complete:
            if self._keeping.resumed is not None:
                self._hand_out(self._keeping.resumed)
            self._say_all(self._joining.start().model_copy(update={"first_cut": self._keeping.first}))
            self._on_start()

    def _hand_out(self, resumed: Resumed) -> None:
        """Every slot gets what its reactors held."""
        for index, slot in enumerate(self._job.slots):
            paths = [path for worker in slot.workers for path in self._job.plan.workers[worker].reactors]
            self._say(index, Resume(cut=resumed.cut, contents=codec.pack(part_of(resumed.contents, paths))))

    def hang_up(self) -> None:
        """Tell every slot that it is over, and let it put things away."""
        if self._snapshots is not None:
            self._snapshots.close()
        self._say_all(Over())
        end = time.monotonic() + _GOODBYE_S
        left: set[int] = set()
        while (here := self._slots.expected()) and time.monotonic() < end:
            with contextlib.suppress(LinkError):
                left |= {said.slot for said in self._lines.attend(_CLOSE_LOOK_S) if said.message.get("kind") == "left"}
            if left >= here and end > time.monotonic() + _EXIT_S:
                end = time.monotonic() + _EXIT_S
