"""Where a worker is in its program, as its neighbours have to know it.

`position.c` is the same in C.
"""

from __future__ import annotations

from rlreactor.scheduler.scheduler import Scheduler
from rlreactor.tag import Point

__all__ = ["Position"]


class Position:
    """Where one worker is.

    Attributes:
        in_tag: whether it has begun a tag: messages for that one go straight to their cells.
        last: the last tag that it finished and that counts as an event.
        received: messages that it has taken in.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.execution = scheduler.binding.execution
        self.queue = scheduler.binding.queue
        self.inbox = scheduler.inbox
        self.in_tag = False
        self.last: Point = (0, -1)
        self.received = 0

    def head(self) -> Point:
        """The earliest event that the worker has."""
        return self.execution.tag if self.in_tag else self.queue.head
