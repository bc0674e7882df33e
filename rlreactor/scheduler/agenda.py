"""What happens at each tag, in the order in which it was queued: what every tag goes through of the event queue.

`agenda.c` is the same in C.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from rlreactor.tag import FOREVER, Point

if TYPE_CHECKING:
    from rlreactor.scheduler.queue import Events, Target

__all__ = ["Agenda"]


class Agenda:
    """Events by their tags.

    The earliest tag is kept apart from the others: most programs queue nothing beyond the next tag, and then neither
    the heap nor the dictionary is touched.

    Attributes:
        head: the earliest tag at which something is queued; FOREVER when nothing is.
        first: what happens there.
        later: a heap of the other tags.
        at: what happens at them.
    """

    __slots__ = ("at", "first", "head", "later")

    def __init__(self) -> None:
        self.head: Point = FOREVER
        self.first: Events = []
        self.later: list[Point] = []
        self.at: dict[Point, Events] = {}

    def push(self, tag: Point, target: Target, stored: Any = None) -> None:
        """Queue an event."""
        if tag < self.head:
            if self.first:
                heappush(self.later, self.head)
                self.at[self.head] = self.first
            self.head = tag
            self.first = [(target, stored)]
        elif tag == self.head:
            self.first.append((target, stored))
        elif tag in self.at:
            self.at[tag].append((target, stored))
        else:
            self.at[tag] = [(target, stored)]
            heappush(self.later, tag)

    def pop(self, tag: Point) -> Events:
        """What happens at `tag`, which is the head or earlier."""
        if self.head != tag:
            return []
        events = self.first
        self.advance()
        return events

    def advance(self) -> None:
        """The head is dealt with."""
        if self.later:
            self.head = heappop(self.later)
            self.first = self.at.pop(self.head)
        else:
            self.head, self.first = FOREVER, []
