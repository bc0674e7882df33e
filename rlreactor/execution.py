"""What a worker shows to the ports and reactors it runs: the tag, the running reaction, what was written.

Ports are the hot path. Everything here is a plain attribute of one small object that all ports of a worker share.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from rlreactor.errors import RunError
from rlreactor.tag import Tag

if TYPE_CHECKING:
    from rlreactor.mode import Mode
    from rlreactor.port import Port
    from rlreactor.reactions import BoundReaction
    from rlreactor.scheduler.inbox import Inbox

__all__ = ["IDLE", "Cell", "Execution"]


class Cell:
    """The value of one port and of everything connected to it without delay: set once, read by all."""

    __slots__ = ("present", "ranks", "value", "version")

    def __init__(self) -> None:
        self.value: Any = None
        self.present = False
        self.version = 0  # how often it was set: tells a reader's private copy from a newer value
        self.ranks: tuple[int, ...] = ()  # reactions that it triggers

    def assign(self, value: Any, execution: Execution) -> None:
        """Make `value` present at the current tag and queue what it triggers."""
        self.value = value
        self.version += 1
        if not self.present:
            self.present = True
            execution.present.append(self)
            for rank in self.ranks:
                execution.trigger(rank)


class Execution:
    """The state of one worker's current tag."""

    __slots__ = (
        "clock", "inbox", "log", "present", "queued", "reaction", "ready", "record", "request_stop", "schedule",
        "seed", "switch", "tag", "thread", "written",
    )  # fmt: skip

    def __init__(self, reactions: int = 0) -> None:
        self.tag = Tag(0, 0)
        self.reaction: BoundReaction | None = None
        self.ready: list[int] = []  # heap of the ranks of reactions to run at this tag
        self.queued = bytearray(reactions)
        self.present: list[Cell] = []  # cleared when the tag is done
        self.written: list[Port[Any]] = []  # root ports written at this tag, in order of their first write
        self.seed = 0
        self.inbox: Inbox | None = None  # takes events from other threads while the worker runs
        self.thread = 0  # of the scheduler
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
