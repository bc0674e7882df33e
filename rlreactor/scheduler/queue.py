"""Events in tag order. Knows nothing of ports, links or clocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from rlreactor.execution import Execution
from rlreactor.scheduler.agenda import Agenda
from rlreactor.tag import Point

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


class EventQueue(Agenda):
    """An agenda, and what is changed in it now and then."""

    __slots__ = ()

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
        return {**self.at, self.head: self.first} if self.first else dict(self.at)

    def _change(self, change: Callable[[Point, Target, Any], Events]) -> None:
        """Put in place of every event what `change` makes of it."""
        changed = {
            tag: [new for target, stored in events for new in change(tag, target, stored)]
            for tag, events in self._all().items()
        }
        self.at = {tag: events for tag, events in changed.items() if events}
        self.later = sorted(self.at)
        self.advance()
