"""What a worker shows to the ports and reactors it runs: the tag, the running reaction, what was written.

Ports are the hot path. Everything here is a plain attribute of one small object that all ports of a worker share.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from rlreactor.errors import RunError
from rlreactor.tag import Point, Tag

if TYPE_CHECKING:
    from rlreactor.mode import Mode
    from rlreactor.reactions import BoundReaction
    from rlreactor.scheduler.inbox import Inbox
    from rlreactor.scheduler.outlet import Outlet

__all__ = ["IDLE", "NEVER", "Cell", "Execution"]


NEVER = object()
"""What a cell holds that was never set."""


class Cell:
    """The value of one port and of everything connected to it without delay: set once, read by all."""

    __slots__ = ("outlet", "present", "ranks", "value")

    def __init__(self) -> None:
        self.value: Any = NEVER
        self.present = False
        self.ranks: tuple[int, ...] = ()  # reactions that it triggers
        self.outlet: Outlet | None = None  # where a value that a reaction sets goes from here

    def assign(self, value: Any, execution: Execution) -> None:
        """Make `value` present at the current tag. What that triggers is the scheduler's business."""
        self.value = value
        if not self.present:
            self.present = True
            execution.present.append(self)


class Execution:
    """The state of one worker's current tag."""

    __slots__ = (
        "clock", "inbox", "keeps_snapshots", "log", "present", "queued", "reaction", "ready", "record",
        "request_stop", "schedule", "seed", "switch", "tag", "thread",
    )  # fmt: skip

    def __init__(self, reactions: int = 0) -> None:
        self.tag: Point = Tag(0, 0)
        self.reaction: BoundReaction | None = None
        self.ready: list[int] = []  # heap of the ranks of reactions to run at this tag
        self.queued = bytearray(reactions)
        self.present: list[Cell] = []  # cells with a value at this tag, in order of their first assignment
        self.seed = 0
        self.inbox: Inbox | None = None  # takes events from other threads while the worker runs
        self.thread = 0  # of the scheduler
        self.keeps_snapshots = False  # whether this run may be snapshotted
        self.record: Callable[[str, Any], None] | None = None  # keeps physical events as they fire
        self.schedule: Callable[..., None] = _not_running
        self.request_stop: Callable[[], None] = _not_running
        self.switch: Callable[[Mode, bool], None] = _not_running
        self.log: Callable[[str, dict[str, Any]], None] = _not_running
        self.clock: Callable[[], int] = lambda: 0  # wall clock, ns since the start tag

    def trigger(self, rank: int) -> None:
        """Queue a reaction for this tag, once."""
        if not self.queued[rank]:
            self.queued[rank] = 1
            heappush(self.ready, rank)

    def trigger_all(self, ranks: tuple[int, ...]) -> None:
        """Queue several reactions for this tag."""
        for rank in ranks:
            self.trigger(rank)

    def trigger_from(self, first: int) -> int:
        """Queue what is triggered by the cells that became present, from the `first` on; returns how many there are."""
        present = self.present
        for cell in present[first:] if first else present:
            self.trigger_all(cell.ranks)
        return len(present)

    def require_running(self, what: str) -> BoundReaction:
        """The reaction that is running. Raises RunError outside of one."""
        if self.reaction is None:
            raise RunError(f"{what} is only possible inside a reaction, while the topology runs")
        return self.reaction


def _not_running(*_: Any) -> None:
    raise RunError("this is only possible inside a reaction, while the topology runs")


IDLE = Execution()
"""What a reactor sees before it was placed on a worker."""


def generator(seed: int, path: str) -> np.random.Generator:
    """The random numbers of the reactor at `path`: a function of the run's seed and the path, of nothing else."""
    key = list(path.encode())
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, len(key), *key])))
