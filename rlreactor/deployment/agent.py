"""A slot's side of a run: `rlreactor worker --slot i --plan HASH --caller tcp://… --keys -`.

Joins the caller, is told the job, makes the graph, listens, forks its workers when all slots are ready, and passes on
what they say until the caller says that the run is over.
"""

from __future__ import annotations

import contextlib
import os
import platform
import socket
import time
from collections.abc import Mapping
from typing import Any

from rlreactor import codec
from rlreactor.deployment.job import Job
from rlreactor.deployment.line import Line
from rlreactor.deployment.messages import (
    PROTOCOL,
    Cut,
    Ended,
    Failed,
    FromSlot,
    FromWorker,
    Join,
    Left,
    Lost,
    Over,
    Ready,
    Refused,
    Resume,
    Rows,
    Start,
    Stop,
    Tell,
    Watch,
    fields_of,
    from_caller,
)  # fmt: skip
from rlreactor.deployment.program import graph_of, program_digest, versions
from rlreactor.errors import LinkError, ReactorError
from rlreactor.links.keys import SlotKeys
from rlreactor.links.mixed_meeting import Link, MixedMeeting, Site
from rlreactor.planner.plan import WorkerPlan
from rlreactor.runtime.channel import Closed
from rlreactor.runtime.crew import Crew, Member
from rlreactor.runtime.meeting import lay_out_here
from rlreactor.runtime.process import sleeps_of
from rlreactor.runtime.share import Options, Share
from rlreactor.runtime.signals import Signals
from rlreactor.runtime.snapshotter import Resumed, Snapshots
from rlreactor.scheduler.routes import Routes

__all__ = ["HostOfSlot", "serve"]

_ROWS_S = 0.01  # between two reports of how far everybody is, while a failed run is being ended
_LOOK_S = 0.2


def serve(slot: int, plan_hash: str, caller: str, keys: SlotKeys) -> int:
    """Join the caller, run this slot's workers until the caller says that all is over; returns the exit status.

    Args:
        slot: this slot's index in the job.
        plan_hash: of the job that this slot was started for.
        caller: endpoint `tcp://address:port`.
        keys: this slot's own, and the caller's public one.

    Raises:
        LinkError: the caller cannot be reached, or refuses this slot.
    """
    agent = _Agent(slot, plan_hash, caller, Line(caller, keys))
    try:
        with Signals(agent.interrupt):
            return agent.run()
    finally:
        agent.close()


class _Agent:
    """One slot."""

    def __init__(self, slot: int, plan_hash: str, caller: str, line: Line) -> None:
        self._slot = slot
        self._plan_hash = plan_hash
        self._caller = caller
        self._line = line
        self._host: HostOfSlot | None = None
        self._status: int | None = None  # once it is known
        self._crew = Crew(self._pass_on, self._pass_on_end)
        self._crew.listen(line.channel)
        self._interrupted = False
        self._failed = False
        self._resumed: Resumed | None = None
        self._watching = False
        self._rows_due = 0.0

    def run(self) -> int:
        """Raises LinkError."""
        self._say(
            Join(slot=self._slot, plan=self._plan_hash, protocol=PROTOCOL, versions=versions(), machine=platform.node())
        )
        while self._status is None:
            self._crew.attend(_ROWS_S if self._watching else _LOOK_S)
            for message in self._heard():
                self._obey(message)
            self._report_rows()
            self._report_interrupt()
        return self._status

    def interrupt(self) -> None:
        """A signal has come: the engine wants this slot to end, as before it sends SIGKILL."""
        self._interrupted = True
        self._crew.ask_to_stop()

    def _heard(self) -> list[dict[str, Any]]:
        try:
            return self._line.channel.receive()
        except Closed:
            raise LinkError("the line to the caller has ended") from None

    def _report_interrupt(self) -> None:
        if self._interrupted and not self._failed:
            self._failed = True
            text = "told to stop by a signal, which its engine sends when a host is wanted for something else"
            self._say(Failed(failure="RunError", text=text))

    def _say(self, message: FromSlot) -> None:
        self._line.channel.send(**fields_of(message))

    # What the caller says

    def _obey(self, data: Mapping[str, Any]) -> None:
        match from_caller(data):
            case Tell(job=job):
                self._prepare(job)
            case Resume(cut=cut, contents=contents):
                self._resumed = Resumed(cut, codec.unpack(contents))
            case Start() as start:
                self._start(start)
            case Cut(at=cut):
                self._crew.ask_for_snapshot(cut)
            case Watch():
                self._watching = True
            case Stop():
                self._crew.ask_to_stop()
            case Over():
                self._status = int(self._failed)
            case Refused(text=text):
                raise LinkError(f"the caller refuses this slot: {text}")
            case Lost(text=text):
                raise LinkError(text)

    def _prepare(self, job: Job) -> None:
        self._line.channel.send("limit", seconds=job.options.unreachable_limit)
        try:
            host = self._host = HostOfSlot(job, self._slot, self._caller)
        except ReactorError as error:
            self._failed = True
            self._say(Failed(failure=type(error).__name__, text=str(error)))
            return
        self._say(
            Ready(
                program=program_digest(host.graph),
                endpoints={f"{a}-{b}": endpoint for (a, b), endpoint in host.meeting.endpoints.items()},
                publics=host.meeting.publics,
            )
        )

    def _start(self, start: Start) -> None:
        host = self._host
        if host is None:
            return
        host.meeting.meet({_link(name): endpoint for name, endpoint in start.endpoints.items()}, start.publics)
        for share in host.shares(start.first_cut, self._resumed):
            self._crew.hire(share)
        host.meeting.close()

    # What the workers say

    def _pass_on(self, member: Member, kind: str, fields: dict[str, Any]) -> None:
        self._say(FromWorker(worker=member.share.worker, what=kind, fields=fields))

    def _pass_on_end(self, member: Member) -> None:
        """One has reported, failed or ended."""
        if member.report is not None and not member.told:
            member.told = True
            self._pass_on(member, "done", member.report)
        if member.failure is not None and not member.told:
            member.told = self._failed = True
            self._pass_on(member, "failed", member.failure)
        if member.status is not None:
            self._say(Ended(worker=member.share.worker, status=member.status))

    def _report_rows(self) -> None:
        if not self._watching or self._host is None or time.monotonic() < self._rows_due:
            return
        self._rows_due = time.monotonic() + _ROWS_S
        pids = {member.share.worker: member.pid for member in self._crew.members}
        rows = self._host.meeting.rows()
        self._say(Rows(rows={worker: (row, sleeps_of(pids[worker])) for worker, row in rows.items()}))

    def close(self) -> None:
        """Nothing of the slot is left."""
        self._crew.dismiss()
        if self._host is not None:
            self._host.meeting.remove()
        with contextlib.suppress(Closed):
            self._say(Left())
        self._line.hang_up()


class HostOfSlot:
    """What lies on this host, for its workers."""

    def __init__(self, job: Job, slot: int, caller: str) -> None:
        self._job = job
        self._own = job.slots[slot]
        self.graph = graph_of(job)
        worker_of = {path: worker.index for worker in job.plan.workers for path in worker.reactors}
        self._routes = Routes.of(self.graph, worker_of, len(job.plan.workers))
        self._plan = job.plan.model_copy(update={"workers": _pinned(job, slot)})
        site = Site(
            here=frozenset(self._own.workers), address=_address(self._own.address, caller), ports=self._own.ports,
            run=int(job.run, 16), epoch=0,
            names=[f"worker {w.index} on {job.slots[job.slot_of(w.index)].host}" for w in job.plan.workers],
        )  # fmt: skip
        self.meeting: MixedMeeting = lay_out_here(self.graph, self._plan, self._routes, site)

    def shares(self, first_cut: int | None = None, resumed: Resumed | None = None) -> list[Share]:
        """What each worker of this slot gets."""
        given = self._job.options
        begun = 0 if resumed is None else resumed.cut
        options = Options(
            given.seed, given.fast, given.timeout, given.fingerprint, given.trace, time.monotonic_ns() - begun,
            record=given.record, stall_s=given.stall_limit, measure=given.measure,
            snapshots=None if first_cut is None else Snapshots(None, first_cut), resumed=resumed,
        )  # fmt: skip
        return [
            Share(self.graph, self._plan, worker, options, self.meeting, self._routes) for worker in self._own.workers
        ]


def _pinned(job: Job, slot: int) -> tuple[WorkerPlan, ...]:
    """The workers; cores of this slot's are positions among those that it may use, where the plan is for hosts."""
    allowed = sorted(os.sched_getaffinity(0))

    def pinned(worker: WorkerPlan) -> WorkerPlan:
        if worker.host is None or worker.index not in job.slots[slot].workers:
            return worker
        return worker.model_copy(update={"cores": tuple(allowed[core % len(allowed)] for core in worker.cores)})

    return tuple(map(pinned, job.plan.workers))


def _address(given: str | None, caller: str) -> str:
    """Where to listen: the address behind the name that is given, or the one from which the caller is reached."""
    host, _, port = caller.removeprefix("tcp://").rpartition(":")
    try:
        if given is not None:
            return socket.gethostbyname(given)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((host, int(port)))  # sends nothing: it only looks the way up
            return str(probe.getsockname()[0])
    except OSError as error:
        raise LinkError(
            f"cannot find the address of {given or host!r} on {platform.node()}: {error.strerror}"
        ) from error


def _link(name: str) -> Link:
    one, _, other = name.partition("-")
    return int(one), int(other)
