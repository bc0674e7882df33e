"""Events in tag order. Knows nothing of ports, links or clocks."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any, Protocol

from rlreactor.execution import Execution
from rlreactor.tag import FOREVER, Tag

__all__ = ["EventQueue", "Target"]


class Target(Protocol):
    """Whatever an event happens to: an action, a timer, a group of cells."""

    def fire(self, stored: Any, execution: Execution) -> None:
        """Make the event happen at the current tag."""
        ...


class EventQueue:
    """A heap of tags, and what happens at each of them."""

    def __init__(self) -> None:
        self._heap: list[Tag] = []
        self._events: dict[Tag, list[tuple[Target, Any]]] = {}

    @property
    def head(self) -> Tag:
        """The earliest tag at which something is queued; FOREVER when nothing is."""
        return self._heap[0] if self._heap else FOREVER

    def push(self, tag: Tag, target: Target, stored: Any = None) -> None:
        """Queue an event."""
        events = self._events.get(tag)
        if events is None:
            self._events[tag] = [(target, stored)]
            heappush(self._heap, tag)
        else:
            events.append((target, stored))

    def pop(self, tag: Tag) -> list[tuple[Target, Any]]:
        """What happens at `tag`, which is the head or earlier."""
        if not self._heap or self._heap[0] != tag:
            return []
        heappop(self._heap)
        return self._events.pop(tag)

    def replace(self, tag: Tag, target: Target, stored: Any) -> None:
        """Give the event of `target` at `tag` another value."""
        events = self._events[tag]
        self._events[tag] = [(t, stored if t is target else s) for t, s in events]

    def remove(self, tag: Tag, target: Target) -> None:
        """Take the event of `target` at `tag` out."""
        left = [(t, s) for t, s in self._events[tag] if t is not target]
        if left:
            self._events[tag] = left
        else:
            del self._events[tag]
            self._heap.remove(tag)
            heapify(self._heap)

    def take(self, wanted: Callable[[Target], bool]) -> list[tuple[Tag, Target, Any]]:
        """Take the events of some targets out, in order of their tags."""
        taken = [(tag, t, s) for tag in sorted(self._events) for t, s in self._events[tag] if wanted(t)]
        for tag in {tag for tag, _, _ in taken}:
            left = [(t, s) for t, s in self._events[tag] if not wanted(t)]
            if left:
                self._events[tag] = left
            else:
                del self._events[tag]
        if taken:
            self._heap = sorted(self._events)
        return taken

    def rewrite(self, change: Callable[[Target, Any], Any]) -> None:
        """Give every queued event the value that `change` makes of it."""
        for tag, events in self._events.items():
            self._events[tag] = [(target, change(target, stored)) for target, stored in events]
