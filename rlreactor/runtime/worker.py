"""One worker: its share of the graph, its scheduler, and what it reports at the end."""

from __future__ import annotations

import contextlib
import os
import random
import select
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from rlreactor import codec
from rlreactor.errors import LinkError, ReactorError, RunError
from rlreactor.graph import Graph
from rlreactor.links.carrier import Meeting
from rlreactor.planner.plan import Plan
from rlreactor.reactions import BoundReaction
from rlreactor.runtime.channel import Channel, Closed
from rlreactor.runtime.costs import Meters
from rlreactor.runtime.gpus import show_gpus
from rlreactor.runtime.metrics import Metric, MetricsBuffer
from rlreactor.runtime.neighbourhood import Neighbourhood
from rlreactor.runtime.pace import Pace, Reading
from rlreactor.runtime.process import give_freed_memory_back, keep_freed_memory, limit_threads, on_stop, pin
from rlreactor.runtime.resident import resident_bytes
from rlreactor.runtime.shard import Shard
from rlreactor.runtime.snapshotter import Resumed, Say, Snapshots, Snapshotter
from rlreactor.runtime.traffic import sent_bytes
from rlreactor.runtime.waiting import SPIN, Interrupted
from rlreactor.runtime.warnings_over import warn_over
from rlreactor.scheduler.binding import Binding, Nothing
from rlreactor.scheduler.clock import Clock, FastClock, WallClock
from rlreactor.scheduler.failure import ReactionFailure
from rlreactor.scheduler.recorder import PortRecorder
from rlreactor.scheduler.routes import Routes
from rlreactor.scheduler.scheduler import IsLate, Scheduler
from rlreactor.spec import Spec
from rlreactor.store.recording import PhysicalEvent, Recording
from rlreactor.tag import Tag

__all__ = ["JITTER", "Limit", "Options", "Share", "Worker", "work"]

JITTER = "RLREACTOR_JITTER"
"""Environment variable for tests of placement: "SEED:MICROSECONDS" sleeps up to that long before every reaction."""


class Limit(NamedTuple):
    """After how much of either a worker ends by itself, its start left aside. Only a single worker may do so."""

    tags: int
    seconds: float


class Options(NamedTuple):
    """How to run, the same for every worker."""

    seed: int
    fast: bool
    timeout: int | None
    fingerprint: bool
    trace: bool
    start_ns: int  # monotonic clock at tag (0, 0)
    record: bool = False
    replay: Recording | None = None
    stall_s: float = 10.0
    measure: bool = False
    limit: Limit | None = None
    snapshots: Snapshots | None = None
    resumed: Resumed | None = None


class Share(NamedTuple):
    """Everything a worker needs, made before it was forked."""

    graph: Graph
    plan: Plan
    worker: int
    options: Options
    meeting: Meeting | None  # None: there is only one worker
    routes: Routes | None


class Worker:
    """A worker that is ready to run, in the process it was forked into or in the caller's own.

    Args:
        share: its part of the work.
        hand_on: takes metrics.
        say: takes what is to be said of snapshots.
    """

    def __init__(self, share: Share, hand_on: Callable[[list[Metric]], None], say: Say | None = None) -> None:
        options, graph = share.options, share.graph
        self.share = share
        self.links: Neighbourhood | None = None
        if share.meeting is not None:
            assert share.routes is not None
            carrier = share.meeting.open(share.worker)
            self.links = Neighbourhood(
                carrier, share.routes, share.worker, spin=_spin(share), early=_has_cores_to_spare(share)
            )
        links = self.links
        self.binding = Binding(
            graph,
            share.plan.workers[share.worker].reactors,
            seed=options.seed,
            fingerprint=options.fingerprint,
            trace=options.trace,
            history=options.record or options.replay is not None,
            storage=None if links is None else lambda path: links.storage(path, graph.ports[path].spec),
        )
        self.scheduler = Scheduler(self.binding, _clock(options), options.timeout, links)
        self.metrics = MetricsBuffer(self.binding.execution, self._hand_on)
        self._metrics_to = hand_on
        if links is not None:
            links.waiting.stall_ns = round(options.stall_s * 1e9)
            links.join(self.scheduler)
        self._set_hooks()
        self._meters = Meters(self.binding, self._waited_ns) if options.measure else None
        self._started_ns = 0
        self._recorded: list[PhysicalEvent] = []
        self._missed: list[tuple[str, Tag]] = []
        self.snapshotter: Snapshotter | None = None
        if options.snapshots is not None and say is not None:
            self.binding.execution.keeps_snapshots = True
            self.snapshotter = Snapshotter(
                share.worker, options.snapshots, self.scheduler, links, self.metrics.flush, say
            )
        self._resumed = options.resumed
        if options.resumed is not None:
            self._expect_to_resume(options.resumed)
        elif self.snapshotter is not None and options.snapshots is not None:
            self.snapshotter.expect(options.snapshots.first)
        if options.replay is not None:
            self._replay(options.replay)
        if options.record:
            self.binding.execution.record = self._record
            self.scheduler.is_late = self._noting_missed(self.scheduler.is_late)

    def _hand_on(self, metrics: list[Metric]) -> None:
        if self._resumed is None:  # what is logged at time 0 of a resumed run was logged before
            self._metrics_to(metrics)

    def _expect_to_resume(self, resumed: Resumed) -> None:
        """Everything is made at time 0, as in every run; then the contents of the snapshot take its place.

        What was made when a mode was entered later is made then.

        Until all workers have done so, none may take the program to have run dry.
        """
        self.binding.queue.push((resumed.cut, 0), Nothing())
        self.scheduler.call_at(1, lambda: self._resume(resumed))

    def _resume(self, resumed: Resumed) -> None:
        self.metrics.flush()
        self._resumed = None
        inlets = {} if self.links is None else self.links.intake.inlets
        last = resumed.contents["last"]
        self.scheduler.make(self.binding.modes.to_be_made(resumed.contents["modes"]))
        Shard(self.binding, inlets).load(resumed.cut, resumed.contents)
        self.binding.execution.tag = self.scheduler.last = last
        if self.links is not None:
            self.links.begin_after(last)
        if self.snapshotter is not None and self.share.options.snapshots is not None:
            self.snapshotter.expect(self.share.options.snapshots.first)

    def _record(self, path: str, stored: Any) -> None:
        tag = Tag(*self.binding.execution.tag)
        self._recorded.append(PhysicalEvent(path, tag, self._spec(path).encode(stored)))

    def _noting_missed(self, is_late: IsLate) -> IsLate:
        """Which deadlines are missed depends on the wall clock too."""

        def noting(reaction: BoundReaction) -> bool:
            late = is_late(reaction)
            if late:
                self._missed.append((reaction.path, Tag(*self.binding.execution.tag)))
            return late

        return noting

    def _spec(self, path: str) -> Spec[Any]:
        graph = self.share.graph
        return graph.actions[path].spec if path in graph.actions else graph.ports[path].spec

    def _replay(self, recording: Recording) -> None:
        """Queue the recorded events; what comes from outside during the run is ignored."""
        self.scheduler.inbox.closed = True
        self.scheduler.keepalive = False
        self.scheduler.stop_by(recording.stop)
        self.binding.queue.push(recording.stop, Nothing())
        missed, execution = frozenset(recording.missed), self.binding.execution
        self.scheduler.is_late = lambda reaction: reaction.deadline == 0 or (reaction.path, execution.tag) in missed
        targets = self.binding.physical_targets()
        for event in recording.events:
            if event.path in targets:
                stored = self._spec(event.path).decode(event.payload)
                self.binding.queue.push(event.tag, targets[event.path], stored)

    def _set_hooks(self) -> None:
        hooks = [hook for hook in (_jitter(self.share.worker), self._thread_switch()) if hook is not None]
        if hooks:
            self.scheduler.before_reaction = lambda reaction: _call_all(hooks, reaction)

    def _thread_switch(self) -> Callable[[BoundReaction], None] | None:
        """Where reactors of different thread counts share a worker: switch before each reaction."""
        placing = self.share.graph.placing
        threads = {n.rank: placing[n.reactor].threads if n.reactor in placing else 1 for n in self.binding.nodes}
        current = max(threads.values(), default=1)
        limit_threads(current)
        if len(set(threads.values())) < 2:
            return None

        def switch(reaction: BoundReaction) -> None:
            nonlocal current
            if threads[reaction.rank] != current:
                current = threads[reaction.rank]
                limit_threads(current)

        return switch

    def interrupt(self) -> None:
        """Stop at the next tag boundary."""
        self.scheduler.interrupt()
        if self.links is not None:
            self.links.interrupt()

    def run(self) -> dict[str, Any]:
        """Run to the stop and report. Raises ReactionFailure."""
        keep_freed_memory()
        give_freed_memory_back()
        base_bytes = resident_bytes()
        pace = Pace(self._progress, self._watch)
        try:
            with pace:
                self.scheduler.run()
        except Interrupted:
            self.scheduler.interrupt()
        except ReactorError:
            if self.links is not None:
                self.links.fail()
            raise
        finally:
            self.metrics.flush()
        if self.links is not None and not self.scheduler.interrupted:  # what failed has promised nothing more
            self.links.leave()
        if self.snapshotter is not None:
            self.snapshotter.finish()
        return self._report(pace, base_bytes)

    def _progress(self) -> tuple[int, int]:
        tags = self._meters.tags if self._meters else self.scheduler.tags
        return tags, self._waited_ns()

    def _waited_ns(self) -> int:
        return self.links.waited_ns if self.links else 0

    def _watch(self, reading: Reading) -> None:
        """End a run that is limited."""
        limit = self.share.options.limit
        if limit is None or not reading.tags:
            return
        self._started_ns = self._started_ns or reading.ns
        if reading.tags >= limit.tags or reading.ns - self._started_ns >= limit.seconds * 1e9:
            self.interrupt()

    def _report(self, pace: Pace, base_bytes: int) -> dict[str, Any]:
        recorders = self._recorders()
        return {
            "tag": self.scheduler.last,
            "interrupted": self.scheduler.interrupted,
            "costs": self._meters.per_tag() if self._meters else {},
            "measured": self._meters.report() if self._meters else {},
            **self.happened(),
            "digests": {r.path: r.digest() for r in recorders},
            "trace": [(r.order, *event) for r in recorders for event in r.events],
            "states": codec.unpack(codec.pack_leniently(self.binding.states())),
            "worker": self._worker_report(pace, base_bytes),
        }

    def happened(self) -> dict[str, Any]:
        """What came from outside, and what the program made of it: this worker's part of a recording."""
        return {
            "recorded": self._recorded,
            "missed": self._missed,
            "history": {r.path: r.history for r in self._recorders() if r.history},
            "stop": self.scheduler.stop,
        }

    def _recorders(self) -> list[PortRecorder]:
        ports = self.share.graph.ports
        return [o.recorder for path, o in self.binding.outlets.items() if ports[path].recorded]

    def _worker_report(self, pace: Pace, base_bytes: int) -> dict[str, Any]:
        begun, ended = pace.readings[0], pace.readings[-1]
        return {
            "tags": self.scheduler.tags,
            "seconds": (ended.ns - begun.ns) * 1e-9,
            "seconds_waited": ended.waited_ns * 1e-9,
            "steady": pace.steady()._asdict(),
            "cores": sorted(os.sched_getaffinity(0)),
            "base_bytes": base_bytes,
            "resident_bytes": resident_bytes(),
            "sent_bytes": sent_bytes(self.links, self.binding) if self.links else {},
            "time": self._meters.use.report() if self._meters else {},
            "pid": os.getpid(),
        }


def _call_all(hooks: list[Callable[[BoundReaction], None]], reaction: BoundReaction) -> None:
    for hook in hooks:
        hook(reaction)


def _spin(share: Share) -> int:
    """Spinning pays only where every worker of this host has a core of its own."""
    host = share.plan.workers[share.worker].host
    cores = [set(worker.cores) for worker in share.plan.workers if worker.host == host]
    shared = any(a & b for i, a in enumerate(cores) for b in cores[:i])
    return 0 if shared or not all(cores) else SPIN


def _has_cores_to_spare(share: Share) -> bool:
    host = share.plan.workers[share.worker].host
    return sum(worker.host == host for worker in share.plan.workers) <= len(os.sched_getaffinity(0))


def _clock(options: Options) -> Clock:
    fast = options.fast or options.replay is not None
    return FastClock(options.start_ns) if fast else WallClock(options.start_ns)


def _jitter(worker: int) -> Callable[[BoundReaction], None] | None:
    setting = os.environ.get(JITTER)
    if not setting:
        return None
    seed, _, longest = setting.partition(":")
    sleeps = random.Random(f"{seed}/{worker}")
    return lambda _: time.sleep(sleeps.random() * float(longest or 1000) * 1e-6)


def work(share: Share, channel: Channel) -> int:
    """What a forked worker does from beginning to end; returns its exit status."""
    worker: Worker | None = None
    told_to_stop = False

    def stop() -> None:
        nonlocal told_to_stop
        told_to_stop = True
        if worker is not None:
            worker.interrupt()

    warn_over(channel)
    on_stop(stop)
    pin(share.plan.workers[share.worker].cores)
    show_gpus(share.plan.workers[share.worker])
    try:
        worker = Worker(
            share, lambda metrics: channel.send("metrics", metrics=metrics), partial(_say_of_snapshots, channel)
        )
        if worker.snapshotter is not None:
            listen(channel, worker.snapshotter)
        if worker.links is not None:
            worker.links.waiting.on_stall = lambda lines: channel.send("stalled", lines=lines)
        if told_to_stop:
            worker.interrupt()
        channel.send("done", **worker.run())
        return 0
    except Closed:
        return 70
    except ReactorError as error:
        return _report_failure(channel, error, worker)
    except Exception as error:
        text = "".join(traceback.format_exception(error))
        return _report_failure(channel, RunError(f"worker {share.worker} failed outside of any reaction:\n{text}"))
    finally:
        if worker is not None and worker.links is not None:
            worker.links.close()


def _say_of_snapshots(channel: Channel, **fields: Any) -> None:
    with contextlib.suppress(Closed):  # said from a thread; the worker itself will find out
        channel.send("snapshot", **fields)


def listen(channel: Channel, snapshotter: Snapshotter) -> None:
    """Let a thread hear of cuts, for as long as the process lives."""

    def hear() -> None:
        poller = select.poll()
        poller.register(channel, select.POLLIN)
        with contextlib.suppress(Closed, OSError):
            while True:
                poller.poll()
                for message in channel.receive():
                    snapshotter.ask(message["at"])

    threading.Thread(target=hear, name="rlreactor-cuts", daemon=True).start()


def _report_failure(channel: Channel, error: ReactorError, worker: Worker | None = None) -> int:
    kind = LinkError if isinstance(error, LinkError) else type(error)
    fields: dict[str, Any] = {"failure": kind.__name__, "text": str(error)}
    if isinstance(error, ReactionFailure):
        fields |= {
            "failure": error.kind, "text": error.text, "path": error.path, "tag": error.tag,
            "rank": error.rank, "user_traceback": error.user_traceback,
        }  # fmt: skip
    if worker is not None:
        fields |= worker.happened()
    with contextlib.suppress(Closed):
        channel.send("failed", **fields)
    return 1
