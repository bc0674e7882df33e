"""What a worker shows to the ports and reactors it runs: the tag, the running reaction, what was written.

Ports are the hot path. Everything here is a plain attribute of one small object that all ports of a worker share.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from rlreactor.access import Running
from rlreactor.errors import RunError

if TYPE_CHECKING:
    from rlreactor.mode import Mode
    from rlreactor.reactions import BoundReaction
    from rlreactor.scheduler.inbox import Inbox

__all__ = ["IDLE", "Execution"]


class Execution(Running):
    """The state of one worker's current tag."""

    __slots__ = (
        "clock", "inbox", "keeps_snapshots", "log", "queued", "ready", "record", "request_stop", "schedule", "seed",
        "switch", "thread",
    )  # fmt: skip

    def __init__(self, reactions: int = 0) -> None:
        super().__init__()
        self.ready: list[int] = []  # heap of the ranks of reactions to run at this tag
        self.queued = bytearray(reactions)
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
