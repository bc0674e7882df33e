"""The supervisor: forks the workers, gathers what they report, and ends everything, however it ends."""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

from rlreactor.errors import LinkError, ReactorError, RunError, SpecError
from rlreactor.graph import Graph
from rlreactor.links.carrier import StatusBoard
from rlreactor.planner.plan import Plan
from rlreactor.runtime.channel import Channel, Closed
from rlreactor.runtime.meeting import lay_out
from rlreactor.runtime.metrics import Metric
from rlreactor.runtime.process import fork, sleeps_of, stop_blocked, tell, threads_restored
from rlreactor.runtime.stall import StallReport
from rlreactor.runtime.worker import Options, Share, Worker, work
from rlreactor.scheduler.routes import Routes
from rlreactor.scheduler.scheduler import ReactionFailure
from rlreactor.tag import Tag

__all__ = ["Stopped", "run_alone", "run_in_child", "supervise"]

_GRACE_S = 5.0  # after a failure: how long the others may take to come to the same point of the program
_LOOK_UP_S = 0.005
_LOOKS = 3  # times that a waiting worker has to have woken and gone back to sleep: then it has looked at everything
_LONGEST_SELECT_S = 0.2  # a Ctrl-C that another thread has taken is handled when the main thread comes round
Observer = Callable[[list[Metric]], None]


class Stopped(Exception):
    """Carries the reports of a run that was ended from outside, and the signal that ended it."""

    def __init__(self, reports: list[dict[str, Any]], signal_number: int) -> None:
        super().__init__(signal_number)
        self.reports = reports
        self.signal_number = signal_number


class _Signals:
    """SIGINT and SIGTERM while a run lasts: the first asks for a clean end, the second SIGINT breaks off."""

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._previous: dict[int, Any] = {}
        self.received: int | None = None

    def __enter__(self) -> _Signals:
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(ValueError):  # not in the main thread: signals belong to somebody else
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, previous in self._previous.items():
            signal.signal(number, previous)

    def _handle(self, number: int, frame: object) -> None:
        if self.received is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = number
        self._ask()


def run_alone(graph: Graph, plan: Plan, options: Options, observe: Observer) -> list[dict[str, Any]]:
    """Run everything in this process. Raises ReactionFailure or Stopped."""
    with threads_restored():
        worker = Worker(Share(graph, plan, 0, options, None, None), observe)
        with _Signals(worker.interrupt) as signals:
            report = worker.run()
    if signals.received is not None:
        raise Stopped([report], signals.received)
    return [report]


def run_in_child(graph: Graph, plan: Plan, options: Options) -> dict[str, Any]:
    """Run everything in one new process, which leaves this one as it is. Raises RunError or Stopped."""
    crew = _Crew(lambda _: None, None)
    try:
        with _Signals(crew.ask_to_stop) as signals:
            crew.hire(Share(graph, plan, 0, options, None, None))
            reports = crew.gather()
    finally:
        crew.dismiss()
    if signals.received is not None:
        raise Stopped(reports, signals.received)
    return reports[0]


def supervise(graph: Graph, plan: Plan, options: Options, observe: Observer) -> list[dict[str, Any]]:
    """Run every worker in a process of its own. Raises RunError, LinkError or Stopped; leaves nothing behind."""
    worker_of = {path: worker.index for worker in plan.workers for path in worker.reactors}
    routes = Routes.of(graph, worker_of, len(plan.workers))
    meeting = lay_out(graph, plan, routes)
    crew = _Crew(observe, meeting.watch())
    try:
        with _Signals(crew.ask_to_stop) as signals:
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


class _Member:
    """A worker process as the supervisor sees it."""

    def __init__(self, share: Share, pid: int, channel: Channel) -> None:
        self.share = share
        self.pid = pid
        self.pidfd = os.pidfd_open(pid)
        self.channel = channel
        self.report: dict[str, Any] | None = None
        self.failure: dict[str, Any] | None = None
        self.status: int | None = None

    @property
    def name(self) -> str:
        reactors = [path or "the topology itself" for path in self.share.plan.workers[self.share.worker].reactors]
        shown = ", ".join(reactors[:4]) + (f" and {len(reactors) - 4} more" if len(reactors) > 4 else "")
        return f"worker {self.share.worker} (pid {self.pid}; {shown})"


class _Crew:
    """All workers of a run."""

    def __init__(self, observe: Observer, board: StatusBoard | None) -> None:
        self._observe = observe
        self._board = board  # only read here; None where there is a single worker
        self._members: list[_Member] = []
        self._selector = selectors.DefaultSelector()
        self._asked = False
        self._stalls = StallReport()
        self._state: tuple[tuple[int, int], ...] = ()  # of those who hold the end of a failed run up, by their versions
        self._slept: dict[int, int] = {}  # how often each of them had slept when it came to that

    def hire(self, share: Share) -> None:
        """Fork one more worker."""
        ours, theirs = Channel.pair()

        def child() -> int:
            for member in self._members:
                member.channel.close()
            ours.close()
            return work(share, theirs)

        with stop_blocked():
            pid = fork(child)
        theirs.close()
        with contextlib.suppress(OSError):  # the child does the same; whoever is first
            os.setpgid(pid, pid)
        member = _Member(share, pid, ours)
        self._members.append(member)
        self._selector.register(ours, selectors.EVENT_READ, member)
        self._selector.register(member.pidfd, selectors.EVENT_READ, member)
        if self._asked:
            tell(pid)

    def ask_to_stop(self) -> None:
        """Tell all workers to stop at their next tag boundary."""
        self._asked = True
        for member in self._members:
            if member.status is None:
                tell(member.pid)

    def gather(self) -> list[dict[str, Any]]:
        """Wait for every worker's report. Raises the failure with the lowest tag, and at one tag the lowest rank.

        Whichever worker fails first in real time, the others run on until they are past that point or need something
        from a worker that has ended: an earlier failure of theirs, if there is one, comes out on every run.
        """
        deadline = math.inf
        while any(member.status is None for member in self._members) and time.monotonic() < deadline:
            failed = any(member.failure for member in self._members)
            due = self._stalls.due_in_s()
            for key, _ in self._selector.select(_LOOK_UP_S if failed else _LONGEST_SELECT_S if due is None else due):
                self._attend(key.data, key.fileobj)
            self._stalls.tell_if_due()
            if not self._asked and any(member.failure for member in self._members):
                if deadline == math.inf:
                    deadline = time.monotonic() + _GRACE_S
                if self._settled():
                    self.ask_to_stop()
            if not self._asked and all(member.report for member in self._members):
                self.ask_to_stop()  # nobody is left who could want what some of them may still be sending
        failures = [m.failure for m in self._members if m.failure is not None]
        if failures:
            raise _error(min(failures, key=_place))
        return [m.report for m in self._members if m.report is not None]

    def _settled(self) -> bool:
        """Whether no worker that still runs can fail before what has failed already."""
        if self._board is None:
            return True
        tag, rank = _place(min((m.failure for m in self._members if m.failure is not None), key=_place))[1:]
        ended = {m.share.worker for m in self._members if m.status is not None or m.failure is not None}
        running = [m.share.worker for m in self._members if m.share.worker not in ended]
        behind = [worker for worker in running if self._board.read(worker)[1].frontier <= (*tag, rank)]
        return not behind or self._rest_on(behind, ended)

    def _rest_on(self, behind: list[int], ended: set[int]) -> bool:
        """Whether each of those `behind` waits for one that has ended, and not only for a moment.

        It may just be waking up, or whoever stands between the two may. All of them look up every now and then. How
        often they did since any of them last had something to say, not for how long they wait, tells that there is
        nothing they could go on with: on a busy machine somebody may not have had its turn.
        """
        assert self._board is not None
        chains = {worker: {worker, *self._board.waits_for(worker)} for worker in behind}
        between = sorted({member for chain in chains.values() for member in chain} - ended)
        waiting = all(chain & ended for chain in chains.values()) and all(map(self._board.resting, between))
        state = tuple((worker, self._board.version(worker)) for worker in between)
        slept = {worker: sleeps_of(self._members[worker].pid) for worker in between}
        if not waiting or state != self._state:
            self._state, self._slept = state if waiting else (), slept
            return False
        return all(slept[worker] - self._slept[worker] >= _LOOKS for worker in between)

    def _attend(self, member: _Member, source: object) -> None:
        if source is member.channel:
            self._hear(member)
            return
        while self._hear(member):
            pass
        self._selector.unregister(member.pidfd)
        member.status = os.waitstatus_to_exitcode(os.waitpid(member.pid, 0)[1])
        if member.report is None and member.failure is None:
            member.failure = {"failure": "RunError", "text": f"{member.name} {_manner(member.status)}"}

    def _hear(self, member: _Member) -> bool:
        """Take one load of messages; False at the end."""
        try:
            messages = member.channel.receive()
        except (Closed, OSError):
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(member.channel)
            return False
        for message in messages:
            kind = message.pop("kind")
            if kind == "metrics":
                self._observe([Metric(*metric) for metric in message["metrics"]])
            elif kind == "stalled":
                self._stalls.hear(member.share.worker, message["lines"])
            elif kind == "done":
                member.report = message
            else:
                member.failure = message
        return bool(messages)

    def dismiss(self) -> None:
        """Make sure that no process of the run is left, with whatever the reactors themselves started."""
        for member in self._members:
            for kill in (os.kill, os.killpg):
                if member.status is None or kill is os.killpg:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        kill(member.pid, signal.SIGKILL)
        for member in self._members:
            if member.status is None:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(member.pid, 0)
            os.close(member.pidfd)
            member.channel.close()
        self._members.clear()
        self._selector.close()


def _manner(status: int) -> str:
    if status < 0:
        name = signal.Signals(-status).name
        hint = "; the kernel does this when memory runs out (see dmesg)" if name == "SIGKILL" else ""
        return f"was killed by {name}{hint}"
    return f"ended with status {status} without a word; something in a reactor called exit"


def _place(failure: Mapping[str, Any]) -> tuple[bool, Tag, int]:
    """Where in the program a failure lies; what has no place comes last."""
    return failure.get("path") is None, Tag(*failure.get("tag", (0, 0))), failure.get("rank", 0)


def _error(failure: Mapping[str, Any]) -> ReactorError:
    if failure.get("path") is not None:
        return ReactionFailure.named(
            failure["path"],
            failure["tag"],
            failure["failure"],
            failure["text"],
            failure["user_traceback"],
            failure["rank"],
        )
    kinds: dict[str, type[ReactorError]] = {"SpecError": SpecError, "LinkError": LinkError}
    return kinds.get(failure["failure"], RunError)(failure["text"])
