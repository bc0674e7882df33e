"""One worker: its share of the graph, its scheduler, and what it reports at the end."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from rlreactor import codec
from rlreactor.errors import ReactorError
from rlreactor.runtime.costs import Meters
from rlreactor.runtime.metrics import Metric, MetricsBuffer
from rlreactor.runtime.neighbourhood import Neighbourhood
from rlreactor.runtime.pace import Pace, Reading
from rlreactor.runtime.preludes import prelude
from rlreactor.runtime.process import give_freed_memory_back, keep_freed_memory
from rlreactor.runtime.resident import resident_bytes
from rlreactor.runtime.shard import Shard
from rlreactor.runtime.share import Options, Share
from rlreactor.runtime.snapshotter import Resumed, Say, Snapshotter
from rlreactor.runtime.tape import Tape
from rlreactor.runtime.traffic import sent_bytes
from rlreactor.runtime.waiting import SPIN, Interrupted
from rlreactor.scheduler.binding import Binding, Nothing
from rlreactor.scheduler.clock import Clock, FastClock, WallClock
from rlreactor.scheduler.scheduler import Scheduler

__all__ = ["Worker"]


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
        self.scheduler.before_reaction = prelude(share.worker, self.binding)
        self._meters = Meters(self.binding, self._waited_ns) if options.measure else None
        self._started_ns = 0
        self.tape = Tape(self.scheduler)
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
            self.tape.play(options.replay)
        if options.record:
            self.tape.record()

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
        pace = Pace(self._progress, self._watch, self._look, self.share.options.stall_s / 4)
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

    def _look(self) -> None:
        if self.links is not None:
            self.links.look()

    def _report(self, pace: Pace, base_bytes: int) -> dict[str, Any]:
        recorders = self.tape.recorders
        return {
            "tag": self.scheduler.last,
            "interrupted": self.scheduler.interrupted,
            "costs": self._meters.per_tag() if self._meters else {},
            "measured": self._meters.report() if self._meters else {},
            **self.tape.happened(),
            "digests": {r.path: r.digest() for r in recorders},
            "trace": [(r.order, *event) for r in recorders for event in r.events],
            "states": codec.unpack(codec.pack_leniently(self.binding.states())),
            "worker": self._worker_report(pace, base_bytes),
        }

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
