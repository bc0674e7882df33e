"""Events in tag order. Knows nothing of ports, links or clocks."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Protocol

from rlreactor.execution import Execution
from rlreactor.tag import FOREVER, Point

__all__ = ["EventQueue", "Events", "Target"]


class Target(Protocol):
    """Whatever an event happens to: an action, a timer, a group of cells."""

    @property
    def ranks(self) -> tuple[int, ...]:
        """The reactions that it triggers."""
        ...

    def fire(self, stored: Any, execution: Execution) -> None:
        """Make the event happen at the current tag."""
        ...


Events = list[tuple[Target, Any]]
"""What happens at one tag: targets and their values, in the order in which they were queued."""


class EventQueue:
    """What happens at each tag.

    The earliest tag is kept apart from the others: most programs queue nothing beyond the next tag, and then neither
    a heap nor a table is touched.
    """

    def __init__(self) -> None:
        self.head: Point = FOREVER
        """The earliest tag at which something is queued; FOREVER when nothing is."""
        self.first: Events = []
        """What happens there."""
        self.later: list[Point] = []  # heap of the other tags
        self._events: dict[Point, Events] = {}  # and what happens at them

    def push(self, tag: Point, target: Target, stored: Any = None) -> None:
        """Queue an event."""
        if tag < self.head:
            if self.first:
                self._put_back()
            self.head = tag
            self.first = [(target, stored)]
        elif tag == self.head:
            self.first.append((target, stored))
        elif tag in self._events:
            self._events[tag].append((target, stored))
        else:
            self._events[tag] = [(target, stored)]
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
            self.first = self._events.pop(self.head)
        else:
            self.head, self.first = FOREVER, []

    def _put_back(self) -> None:
        heappush(self.later, self.head)
        self._events[self.head] = self.first

    def replace(self, tag: Point, target: Target, stored: Any) -> None:
        """Give the event of `target` at `tag` another value."""
        self._change(lambda at, t, s: [(t, stored if at == tag and t is target else s)])

    def remove(self, tag: Point, target: Target) -> None:
        """Take the event of `target` at `tag` out."""
        self._change(lambda at, t, s: [] if at == tag and t is target else [(t, s)])

    def take(self, wanted: Callable[[Target], bool]) -> list[tuple[Point, Target, Any]]:
        """Take the events of some targets out, in order of their tags."""
        taken = [event for event in self.events() if wanted(event[1])]
        if taken:
            self._change(lambda _, t, s: [] if wanted(t) else [(t, s)])
        return taken

    def rewrite(self, change: Callable[[Target, Any], Any]) -> None:
        """Give every queued event the value that `change` makes of it."""
        self._change(lambda _, target, stored: [(target, change(target, stored))])

    def events(self) -> list[tuple[Point, Target, Any]]:
        """All that is queued, in order of the tags."""
        return [(tag, target, stored) for tag, events in sorted(self._all().items()) for target, stored in events]

    def clear(self) -> None:
        """Nothing is queued any more."""
        self._change(lambda _, __, ___: [])

    def _all(self) -> dict[Point, Events]:
        return {**self._events, self.head: self.first} if self.first else dict(self._events)

    def _change(self, change: Callable[[Point, Target, Any], Events]) -> None:
        """Put in place of every event what `change` makes of it."""
        changed = {
            tag: [new for target, stored in events for new in change(tag, target, stored)]
            for tag, events in self._all().items()
        }
        self._events = {tag: events for tag, events in changed.items() if events}
        self.later = sorted(self._events)
        self.advance()
