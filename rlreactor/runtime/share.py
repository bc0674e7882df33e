"""A worker's share of a run: all it needs to know, made before it is forked."""

from __future__ import annotations

from typing import NamedTuple

from rlreactor.graph import Graph
from rlreactor.links.carrier import Meeting
from rlreactor.planner.plan import Plan
from rlreactor.runtime.snapshotter import Resumed, Snapshots
from rlreactor.scheduler.routes import Routes
from rlreactor.store.recording import Recording

__all__ = ["Limit", "Options", "Share"]


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
