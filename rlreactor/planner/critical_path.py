"""The critical path of a schedule that was played: the chain of firings, each waiting for the last, that ends it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from rlreactor.graph import ReactionNode
from rlreactor.planner.names import bank_of

__all__ = ["ENGINE", "LINKS", "CriticalPath", "Step", "critical_path"]

ENGINE, LINKS = "the engine", "links"


class Step(NamedTuple):
    """One firing in retrospect."""

    rank: int
    worker: int
    before: int  # the firing that it waited for, on this worker or another; -1: none
    end: float
    own: float  # seconds of the reaction itself
    engine: float  # seconds of scheduling, sending and receiving


class CriticalPath(NamedTuple):
    """Seconds on it, by pattern of the reaction, ENGINE or LINKS; and by worker."""

    shares: dict[str, float]
    workers: dict[int, float]


def critical_path(steps: Sequence[Step], first: int, reactions: Sequence[ReactionNode]) -> CriticalPath:
    """The path back from whatever ended last to the step `first`."""
    shares: defaultdict[str, float] = defaultdict(float)
    workers: defaultdict[int, float] = defaultdict(float)
    index = max(range(len(steps)), key=lambda i: steps[i].end, default=-1)
    while index >= first:
        step = steps[index]
        since = steps[step.before].end if step.before >= 0 else 0.0
        shares[bank_of(reactions[step.rank].path)] += step.own
        shares[ENGINE] += step.engine
        shares[LINKS] += max(0.0, step.end - step.own - step.engine - since)
        workers[step.worker] += step.own + step.engine
        index = step.before
    return CriticalPath(dict(shares), dict(workers))
