"""`run()`: check, plan, place, run, stop; each phase's outcome is a value."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rlreactor.errors import PlanError, RunError
from rlreactor.graph import Graph, check
from rlreactor.planner.fit import check_fit
from rlreactor.planner.placement import plan as make_plan
from rlreactor.planner.plan import Plan
from rlreactor.reactor import Reactor, fresh
from rlreactor.runtime.metrics import GatheredMetrics, Metric
from rlreactor.runtime.recorded import compare, keep_failure, load, recording_of
from rlreactor.runtime.result import Interrupt, Result
from rlreactor.runtime.resumption import check_snapshots, taken_up, watch_in
from rlreactor.runtime.share import Options
from rlreactor.runtime.snapshotter import Snapshots
from rlreactor.runtime.supervisor import Stopped, run_alone, supervise
from rlreactor.scheduler.failure import ReactionFailure
from rlreactor.scheduler.recorder import Event, Trace, combined
from rlreactor.spec import Record, Struct
from rlreactor.tag import Tag

__all__ = ["result_of", "run"]


def run(
    topology: Reactor,
    *,
    plan: Plan | None = None,
    workers: int | None = None,
    fast: bool = True,
    timeout: int | None = None,
    seed: int = 0,
    trace: bool = False,
    fingerprint: bool = True,
    observe: Callable[[Metric], None] | None = None,
    record: str | Path | None = None,
    replay: str | Path | None = None,
    snapshot: str | Path | None = None,
    snapshot_every: int | None = None,
    before_snapshot: Callable[[], None] | None = None,
    resume: str | Path | None = None,
    stall_limit: float = 10.0,
    measure: bool = False,
) -> Result:
    """Run a topology on this machine until it stops.

    The result is a function of the topology, its parameters and the seed; workers, plan and timing never matter. One
    worker runs in the calling process; several are forked from it.

    Args:
        topology: an instance of a Reactor class. It is left as it is: the run works on a fresh one.
        plan: where everything runs; made by `plan()` when not given.
        workers: how many processes; the planner's choice when neither this nor a plan is given.
        fast: run logical time as fast as the machine allows, instead of by the wall clock.
        timeout: ns of logical time after which the program stops.
        seed: of every reactor's `self.rng`.
        trace: keep every value that a reaction sets, in `Result.trace`.
        fingerprint: hash them all.
        record: a file to keep the physical events in, also those of a run that fails or is interrupted.
        replay: a file with the physical events of an earlier run, which is then repeated exactly, on any placement;
            only its beginning with a timeout that comes earlier than its end.
        snapshot: a folder for snapshots of the whole program, of which the newest three are kept. One is made at the
            beginning, and then as often as costs little; nobody stops for it.
        snapshot_every: ns of logical time between two of them instead, where they can be made so fast.
        before_snapshot: called before a snapshot counts, from any thread. `observe` has received by then whatever was
            logged before the snapshot: who writes it down makes sure here that it stays.
        resume: the folder of an earlier run's snapshots, or one of them. The run goes on from the newest, on any
            placement, to the same result as one that was never interrupted; what was logged before is not logged again.
            Reactions of time 0 run again, since they make what a snapshot does not hold.
        measure: time every reaction; `Result.costs` can then be given to `plan(costs=...)`, and `Result.workers` tells
            where the time went.
        stall_limit: seconds of wall clock after which a worker that waits says for whom.
        observe: called with every metric that a reactor logs, as it arrives.

    Raises:
        TopologyError: the topology breaks a rule.
        PlanError: it cannot be placed as asked.
        LinkError: the shared memory cannot be had.
        RunError: a reaction raised (the error names it, its tag and the user's traceback) or a worker died.
        KeyboardInterrupt: Ctrl-C; the exception's `result` holds what there was at the last tag boundary.
    """
    _check_numbers(timeout, seed)
    graph = check(_fresh(topology), fast=fast and replay is None)
    plan = _fitting(graph, plan, workers)
    recording = None if replay is None else load(graph, replay, seed)
    check_snapshots(graph, snapshot, snapshot_every, resume, recorded=record is not None or replay is not None)
    resumed = None if resume is None else taken_up(graph, resume, seed, timeout)
    begun = 0 if resumed is None else resumed.cut
    first = begun + (snapshot_every or 1)
    options = Options(
        seed,
        fast,
        timeout,
        fingerprint,
        trace,
        time.monotonic_ns() - begun,
        record is not None,
        recording,
        stall_limit,
        measure,
        snapshots=None if snapshot is None else Snapshots(str(snapshot), first),
        resumed=resumed,
    )
    watch_of = None
    if snapshot is not None:
        watch_of = watch_in(
            snapshot, graph, seed, first=first, every=snapshot_every, resumed=resumed, before=before_snapshot
        )
    metrics = GatheredMetrics(observe)
    execute = run_alone if len(plan.workers) == 1 else supervise
    try:
        reports = execute(graph, plan, options, metrics.take, watch_of)
    except Stopped as stopped:
        if record is not None:
            recording_of(graph, seed, stopped.reports).save(record)
        raise Interrupt(result_of(graph, plan, stopped.reports, metrics), stopped.signal_number) from None
    except ReactionFailure as failure:
        if record is not None:
            keep_failure(graph, seed, failure, record)
        raise

    if record is not None:
        recording_of(graph, seed, reports).save(record)
    if recording is not None:
        compare(recording, reports, timeout)
    return result_of(graph, plan, reports, metrics)


def _fresh(topology: Any) -> Any:
    """The same topology again: class and parameters are its whole description. What is none, check() refuses."""
    return fresh(topology) if isinstance(topology, Reactor) else topology


def _check_numbers(timeout: Any, seed: Any) -> None:
    if timeout is not None and (type(timeout) is not int or timeout < 0):
        raise RunError(
            f"timeout: expected ns of logical time as an int of 0 or more (ms(100), sec(1)), received {timeout!r}"
        )
    if type(seed) is not int or seed < 0:
        raise RunError(f"seed: expected an int of 0 or more, received {seed!r}")


def _fitting(graph: Graph, plan: Plan | None, workers: int | None) -> Plan:
    if plan is None:
        return make_plan(graph, workers=workers)
    if workers is not None and workers != len(plan.workers):
        raise PlanError(f"workers={workers} and a plan for {len(plan.workers)} workers; give one of the two")
    check_fit(plan, graph)
    return plan


def result_of(graph: Graph, plan: Plan, reports: list[dict[str, Any]], metrics: GatheredMetrics) -> Result:
    """What the workers' reports come to."""
    digests = {path: digest for report in reports for path, digest in report["digests"].items()}
    events = sorted((e for report in reports for e in report["trace"]), key=lambda e: (e[1], e[0]))
    return Result(
        tag=max((Tag(*report["tag"]) for report in reports), default=Tag(0, 0)),
        trace=Trace(Event(Tag(*tag), path, _value(graph, path, stored)) for _, tag, path, stored in events),
        fingerprint=combined(digests) if all(digests.values()) else "",
        metrics=dict(metrics.series),
        states={path: state for report in reports for path, state in report["states"].items()},
        plan=plan,
        workers=[report["worker"] for report in reports],
        costs={path: cost for report in reports for path, cost in report["costs"].items()},
        interrupted=any(report["interrupted"] for report in reports),
    )


def _value(graph: Graph, path: str, stored: Any) -> Any:
    spec = graph.ports[path].spec
    if isinstance(spec, Struct):
        return Record(**stored)
    return spec.load(stored)
