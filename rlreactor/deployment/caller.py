"""The deploying side of a run: starts the slots, follows them, and ends with the result or the first failure."""

from __future__ import annotations

import contextlib
import logging
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rlreactor.deployment.compile import compile_deployment, job_of
from rlreactor.deployment.engine import Engine, StartedSlots
from rlreactor.deployment.engines.choose import engine_for
from rlreactor.deployment.engines.local_slots import LocalSlots
from rlreactor.deployment.job import Job
from rlreactor.deployment.messages import (
    PROTOCOL,
    Ended,
    Failed,
    FromWorker,
    Join,
    Left,
    Over,
    Ready,
    Refused,
    Rows,
    Start,
    Stop,
    Tell,
    ToSlot,
    Watch,
    fields_of,
    from_slot,
)
from rlreactor.deployment.program import difference, graph_of, program_digest, versions
from rlreactor.deployment.spec import Deployment
from rlreactor.deployment.switchboard import Said, Switchboard
from rlreactor.errors import LinkError, ReactorError, RunError
from rlreactor.graph import Graph
from rlreactor.links.distant_board import DistantBoard
from rlreactor.links.keys import CALLER, make_keys, read_public, read_secret, slot_name
from rlreactor.runtime.metrics import GatheredMetrics, Metric
from rlreactor.runtime.result import Interrupt, Result
from rlreactor.runtime.run import recording_of, result_of
from rlreactor.runtime.settlement import GRACE_S, Settlement, error_of, first_failure
from rlreactor.runtime.stall import StallReport
from rlreactor.runtime.supervisor import Signals

__all__ = ["deploy"]

_log = logging.getLogger("rlreactor")
_LOOK_S, _CLOSE_LOOK_S = 0.1, 0.005
_ENGINE_S = 0.25  # between two looks at the engine
_LAST_WORDS_S = 2.0  # of a slot that has ended: what it said may still be on its way
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
) -> Result:
    """Run a job on the slots that an engine starts; the result is that of `rlreactor.run` on one worker.

    Args:
        job: what runs where, or the deployment that says so.
        engine: starts the slots; by default that of the deployment, or processes on this machine.
        keys: a folder that `rlreactor keys` made; new keys for this run by default.
        observe: called with every metric that a reactor logs, as it arrives.
        on_start: called when all slots are ready and have been told to start.
        record: a file to keep the physical events in; the job's options say that they are recorded.

    Raises what `rlreactor.run` raises; errors carry a note that names the host and the worker. Besides, LinkError when
    a slot may not take part, naming what differs, and RunError when one ends or cannot be reached any more.
    """
    if isinstance(job, Deployment):
        engine = engine or engine_for(job.engine, job)
        job = job_of(compile_deployment(job))
    graph = graph_of(job)
    engine = engine or LocalSlots()
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

        call = _Call(job, graph, board, slots, GatheredMetrics(observe), begun, record)
        cleanup.callback(call.hang_up)
        return call.run()


class _Worker:
    """A worker as the caller knows it."""

    def __init__(self) -> None:
        self.report: dict[str, Any] | None = None
        self.failure: dict[str, Any] | None = None
        self.status: int | None = None
        self.sleeps = 0


class _Call:
    """One run."""

    def __init__(
        self,
        job: Job,
        graph: Graph,
        board: Switchboard,
        slots: StartedSlots,
        metrics: GatheredMetrics,
        on_start: Callable[[], None],
        record: Path | None,
    ) -> None:
        self._record = record
        self._job = job
        self._graph = graph
        self._lines = board
        self._slots = slots
        self._metrics = metrics
        self._on_start = on_start
        self._program = program_digest(graph)
        self._ready: dict[int, Ready] = {}
        self._machines: dict[int, str] = {}
        self._workers = [_Worker() for _ in job.plan.workers]
        self._rows = DistantBoard(len(self._workers), None)
        self._settlement = Settlement(self._rows, lambda worker: self._workers[worker].sleeps)
        self._slot_failures: list[dict[str, Any]] = []
        self._gone: dict[int, float] = {}  # since when the engine says that a slot has ended
        self._stalls = StallReport()
        self._engine_due = 0.0
        self._asked_to_stop = self._stop_said = False
        self._deadline = math.inf

    def run(self) -> Result:
        """Follow it to the end."""
        with Signals(self._ask_to_stop) as signals:
            while not self._over():
                self._attend()
        reports = [w.report for w in self._workers if w.report is not None]
        if self._failures():
            raise self._error()
        if self._record is not None:
            recording_of(self._graph, self._job.options.seed, reports).save(self._record)
        result = result_of(self._graph, self._job.plan, reports, self._metrics)
        if signals.received is not None:
            raise Interrupt(result, signals.received)
        return result

    def _over(self) -> bool:
        if time.monotonic() > self._deadline:
            return True
        if self._slot_failures and not self._some_run():
            return True
        return all(w.status is not None or (w.report is not None and self._asked_to_stop) for w in self._workers)

    def _some_run(self) -> bool:
        """Whether anything was started that may still have to say something."""
        return len(self._ready) == len(self._job.slots) and not self._asked_to_stop

    def _ask_to_stop(self) -> None:
        self._asked_to_stop = True  # said by the loop: this is called by a signal handler

    def _attend(self) -> None:
        for said in self._lines.attend(_CLOSE_LOOK_S if self._failures() else _LOOK_S):
            self._take(said)
        self._look_after_slots()
        self._stalls.tell_if_due()
        self._settle()
        if self._asked_to_stop and not self._stop_said:
            self._stop_said = True
            self._say_all(Stop())

    def _settle(self) -> None:
        """Whether everything has been said that can be."""
        failures = self._failures()
        if failures and self._deadline == math.inf:
            self._deadline = time.monotonic() + GRACE_S
            self._say_all(Watch())
        ended = {i for i, w in enumerate(self._workers) if w.status is not None or w.failure is not None}
        if failures and not self._asked_to_stop and self._settlement.settled(first_failure(failures), ended):
            self._asked_to_stop = True
        if all(worker.report for worker in self._workers):
            self._asked_to_stop = True  # nobody is left who could want what some of them may still be sending

    def _failures(self) -> list[dict[str, Any]]:
        return [*(w.failure for w in self._workers if w.failure is not None), *self._slot_failures]

    def _error(self) -> ReactorError:
        failure = first_failure(self._failures())
        error = error_of(failure)
        error.add_note(str(failure["note"]))
        return error

    # What is said

    def _say(self, slot: int, message: ToSlot) -> None:
        self._lines.say(slot, **fields_of(message))

    def _say_all(self, message: ToSlot) -> None:
        for slot in range(len(self._job.slots)):
            if self._lines.joined(slot):
                self._say(slot, message)

    def _name(self, slot: int) -> str:
        machine = self._machines.get(slot)
        host = self._job.slots[slot].host
        return f"slot {slot} on {host}" + (f" ({machine})" if machine and machine != host else "")

    def _take(self, said: Said) -> None:
        slot = said.slot
        if said.again:
            raise RunError(
                f"{self._name(slot)} was started again by its engine while the run went on, and nothing of what the "
                "lost process held can be taken up again. Run rlreactor deploy again, and let the engine start all "
                "slots again together (Slurm's requeue and a JobSet do), or none"
            )
        match from_slot(said.message, self._name(slot)):
            case Join() as join:
                self._machines[slot] = join.machine
                self._admit(slot, join)
            case Ready() as ready:
                self._note_ready(slot, ready)
            case FromWorker(worker=worker, what=what, fields=fields):
                self._hear(slot, worker, what, fields)
            case Ended(worker=worker, status=status):
                self._workers[worker].status = status
            case Rows(rows=rows):
                self._note_rows(rows)
            case Failed(failure=failure, text=text):
                self._fail(slot, failure, text)
            case Left():
                pass  # the engine will tell that it has ended

    def _fail(self, slot: int, failure: str, text: str) -> None:
        name = self._name(slot)
        self._slot_failures.append({"failure": failure, "text": f"{name}: {text}", "note": f"on {name}"})

    def _admit(self, slot: int, join: Join) -> None:
        """Raises LinkError, naming both values of whatever differs."""
        problem = _mismatch(slot, join, self._job)
        if problem:
            self._say(slot, Refused(text=problem))
            raise LinkError(f"{self._name(slot)} may not take part: {problem}")
        self._say(slot, Tell(job=self._job))

    def _note_ready(self, slot: int, ready: Ready) -> None:
        if ready.program != self._program:
            problem = (
                f"its program is another one: expected {self._program}, received {ready.program}; install the same "
                "sources on every host"
            )
            self._say(slot, Refused(text=problem))
            raise LinkError(f"{self._name(slot)} may not take part: {problem}")
        self._ready[slot] = ready
        if len(self._ready) == len(self._job.slots):
            self._say_all(
                Start(
                    endpoints={link: at for each in self._ready.values() for link, at in each.endpoints.items()},
                    publics={worker: key for each in self._ready.values() for worker, key in each.publics.items()},
                )
            )
            self._on_start()

    def _hear(self, slot: int, index: int, what: str, fields: dict[str, Any]) -> None:
        worker = self._workers[index]
        if what == "metrics":
            self._metrics.take(Metric(*metric) for metric in fields["metrics"])
        elif what == "stalled":
            self._stalls.hear(index, fields["lines"])
        elif what == "warning":
            _log.warning("%s, worker %d: %s", self._name(slot), index, fields["text"])
        elif what == "done":
            worker.report = fields
        elif what == "failed":
            worker.failure = {**fields, "note": f"on {self._name(slot)}, worker {index}"}

    def _note_rows(self, rows: dict[int, tuple[bytes, int]]) -> None:
        for worker, (row, sleeps) in rows.items():
            self._rows.update(worker, row)
            self._workers[worker].sleeps = sleeps

    def _look_after_slots(self) -> None:
        """Slots that have ended, and those that cannot be reached."""
        now = time.monotonic()
        if now < self._engine_due:
            return
        self._engine_due = now + _ENGINE_S
        limit = self._job.options.unreachable_limit
        for slot in range(len(self._job.slots)):
            if self._lines.joined(slot) and self._lines.silent_s(slot) > limit and slot not in self._gone:
                self._gone[slot] = now
                self._lose(slot, f"nothing was heard of it for {limit:g} s")
        for slot, how in self._slots.ended().items():
            if now - self._gone.setdefault(slot, now) > _LAST_WORDS_S and not self._has_said_all(slot):
                self._lose(slot, how)

    def _has_said_all(self, slot: int) -> bool:
        return all(self._workers[worker].status is not None for worker in self._job.slots[slot].workers)

    def _lose(self, slot: int, how: str) -> None:
        """A slot is gone, and its workers with it."""
        if not any(failure["note"] == f"on {self._name(slot)}" for failure in self._slot_failures):
            self._fail(slot, "RunError", how)
        for worker in self._job.slots[slot].workers:
            if self._workers[worker].status is None:
                self._workers[worker].status = -9

    def hang_up(self) -> None:
        """Tell every slot that it is over, and let it put things away."""
        self._say_all(Over())
        end = time.monotonic() + _GOODBYE_S
        here = {slot for slot in range(len(self._job.slots)) if self._lines.joined(slot) and slot not in self._gone}
        left: set[int] = set()
        while here and time.monotonic() < end:
            with contextlib.suppress(LinkError):
                left |= {said.slot for said in self._lines.attend(_CLOSE_LOOK_S) if said.message.get("kind") == "left"}
            if left >= here and end > time.monotonic() + _EXIT_S:
                end = time.monotonic() + _EXIT_S
            here -= self._slots.ended().keys()


def _mismatch(slot: int, join: Join, job: Job) -> str:
    """What a slot that joins has in another way than this side."""
    if join.protocol != PROTOCOL:
        return f"protocol: expected {PROTOCOL}, received {join.protocol}; install the same rlreactor on every host"
    if join.slot != slot:
        return f"it has the key of slot {slot} and says that it is slot {join.slot}"
    if join.plan != job.plan_hash:
        return f"plan: expected {job.plan_hash}, received {join.plan}; it was started for another run"
    differing = difference(versions(), join.versions)
    return f"packages differ: {differing}; install the same versions on every host" if differing else ""
