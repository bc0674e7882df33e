"""Modes at run time: which reactions may run, and whose local time stands still.

Each mode is a scope of targets (timers, actions, delayed connections) and reactions, those of contained reactors
included. Reactions of an inactive scope are marked as queued, so that nothing can queue them: the hot path needs no
test of its own. What a scope has in the event queue when it is left is taken out, with the time that is left, and
goes back when the scope is entered by history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, cast

from rlreactor.action import Action
from rlreactor.dynamic import is_a
from rlreactor.execution import Execution
from rlreactor.mode import Mode
from rlreactor.reactor import Reactor
from rlreactor.scheduler.queue import EventQueue, Target
from rlreactor.tag import Tag

__all__ = ["ModeSwitch", "Modes", "scope_of"]

Events = list[tuple[Target, Any]]


class Suspended(NamedTuple):
    """An event of an inactive scope: the time that was left to it, in ns, and then microsteps."""

    time: int
    microsteps: int
    target: Any
    stored: Any


class Scope:
    """A mode of one reactor and everything in it."""

    def __init__(self, mode: Mode, modal: ModalReactor) -> None:
        self.mode = mode
        self.modal = modal
        self.ranks: set[int] = set()
        self.startup: set[int] = set()
        self.shutdown: set[int] = set()
        self.timers: list[tuple[Target, int]] = []  # with their offsets
        self.resets: list[Callable[[], None]] = []  # of fields
        self.inner: list[ModalReactor] = []  # modal reactors contained in it
        self.suspended: list[Suspended] = []
        self.actions: list[Action[Any]] = []
        self.left: Tag | None = None  # when it was left; None: there is nothing to resume
        self.activated = False  # whether it ever was active

    @property
    def current(self) -> bool:
        """Whether its reactor is in this mode."""
        return self.modal.current is self

    @property
    def active(self) -> bool:
        """Whether it is current, and so is every mode around it."""
        around = self.modal.around
        return self.current and (around is None or around.active)

    def within(self, outer: Scope) -> bool:
        """Whether this scope is `outer` or lies in it."""
        scope: Scope | None = self
        while scope is not None and scope is not outer:
            scope = scope.modal.around
        return scope is outer

    def current_within(self, outer: Scope) -> bool:
        """Whether every mode from `outer` (not counted) inwards to this one is current."""
        scope: Scope | None = self
        while scope is not None and scope is not outer:
            if not scope.current:
                return False
            scope = scope.modal.around
        return True


class ModalReactor:
    """A reactor with modes."""

    def __init__(self, reactor: Reactor, around: Scope | None) -> None:
        self.reactor = reactor
        self.around = around
        self.scopes: dict[str, Scope] = {}
        self.current: Scope | None = None
        self.requested: tuple[str, bool] | None = None
        self.depth: int = 0 if around is None else around.modal.depth + 1

    @property
    def initial(self) -> Scope:
        """The scope of the mode it starts in."""
        return next(scope for scope in self.scopes.values() if scope.mode.initial)


class ModeSwitch:
    """The event by which a reactor changes its mode; handled before everything else at its tag."""

    def __init__(self, modal: ModalReactor) -> None:
        self.modal = modal

    def fire(self, stored: Any, execution: Execution) -> None:
        """Nothing: `Modes.begin` has dealt with it."""


def scope_of(reactor: Reactor, mode: str | None) -> str:
    """The name of the innermost mode around something in `reactor` that declared `mode`: `path:mode`, or empty."""
    inner: Reactor = reactor
    while True:
        if mode is not None:
            return f"{inner.path}:{mode}"
        parent = inner._parent
        if parent is None:
            return ""
        mode = next((m.name for m in modes_of(parent) if any(r is inner for r in m.contained)), None)
        inner = parent


def modes_of(reactor: Reactor) -> list[Mode]:
    """The modes of a reactor instance."""
    found = (reactor.__dict__.get(name) for name in type(reactor)._declaration.elements)
    return [element for element in found if isinstance(element, Mode)]


class Modes:
    """All modal reactors of a worker.

    Args:
        reactors: those of the worker, containers before what they contain.
        queue: the worker's events.
        execution: the worker's current tag.
    """

    def __init__(self, reactors: Iterable[Reactor], queue: EventQueue, execution: Execution) -> None:
        self._queue = queue
        self._execution = execution
        self.scopes: dict[str, Scope] = {}
        self._modal: dict[int, ModalReactor] = {}
        self._switches: dict[int, ModeSwitch] = {}
        self._scope_of_target: dict[int, Scope] = {}
        for reactor in reactors:
            modes = modes_of(reactor)
            if modes:
                around = self.scopes.get(scope_of(reactor, None))
                modal = self._modal[id(reactor)] = ModalReactor(reactor, around)
                self._switches[id(reactor)] = ModeSwitch(modal)
                for mode in modes:
                    modal.scopes[mode.name] = Scope(mode, modal)
                    self.scopes[f"{reactor.path}:{mode.name}"] = modal.scopes[mode.name]
                modal.current = modal.initial
                if around is not None:
                    around.inner.append(modal)
        execution.switch = self._request

    def add_target(self, scope: str, target: Target, offset: int | None = None) -> None:
        """A timer (with its offset), an action or a delayed connection of a scope."""
        if scope:
            self._scope_of_target[id(target)] = self.scopes[scope]
            if is_a(target, Action):
                self.scopes[scope].actions.append(cast("Action[Any]", target))
            if offset is not None:
                self.scopes[scope].timers.append((target, offset))

    def start(self) -> None:
        """Silence what is not active at the beginning, and take its timers out of the queue."""
        for scope in self.scopes.values():
            if not scope.active:
                self._suspend(scope, Tag(0, 0), [])
                scope.suspended.clear()
                self._silence(scope)
        self._mark_activated()

    def begin(self, events: Events, tag: Tag) -> Events:
        """Carry out the switches among the events of a tag; returns what is left to happen at it."""
        switches = sorted((t.modal for t, _ in events if isinstance(t, ModeSwitch)), key=lambda modal: modal.depth)
        events = [(t, s) for t, s in events if not isinstance(t, ModeSwitch)]
        for modal in switches:
            assert modal.requested is not None
            assert modal.current is not None
            (name, history), modal.requested = modal.requested, None
            events = self._suspend(modal.current, tag, events)
            self._silence(modal.current)
            modal.current.left = tag
            modal.current = modal.scopes[name]
            events += self._enter(modal.current, history, tag)
            around = modal.around
            while around is not None and around.current:
                around = around.modal.around
            if around is not None:  # it was left at this very tag
                events = self._suspend(around, tag, events)
        return events

    def before_shutdown(self) -> None:
        """Shutdown reactions run in every mode that was ever active, and in no other."""
        for scope in self.scopes.values():
            if scope.activated and not scope.active:
                for rank in scope.shutdown:
                    self._execution.queued[rank] = 0

    def _request(self, mode: Mode, history: bool) -> None:
        modal = self._modal[id(mode.owner)]
        if modal.requested is None:
            tag = self._execution.tag
            self._execution.schedule(Tag(tag.time, tag.microstep + 1), self._switches[id(mode.owner)], None)
        modal.requested = (mode.name, history)

    # Leaving

    def _suspend(self, scope: Scope, now: Tag, events: Events) -> Events:
        """Take what belongs to `scope` out of the queue and out of `events`; returns the rest of these.

        Where a mode around it was left at this very tag, it is there already.
        """
        for outer in self.scopes.values():
            if outer is not scope and scope.within(outer):
                scope.suspended += [s for s in outer.suspended if self._belongs(s.target, scope)]
                outer.suspended = [s for s in outer.suspended if not self._belongs(s.target, scope)]
        taken = self._queue.take(lambda target: self._belongs(target, scope))
        taken += [(now, t, s) for t, s in events if self._belongs(t, scope)]
        for tag, target, stored in taken:
            left = (tag.time - now.time, tag.microstep) if tag.time > now.time else (0, tag.microstep - now.microstep)
            scope.suspended.append(Suspended(*left, target, stored))
        return [(t, s) for t, s in events if not self._belongs(t, scope)]

    def _belongs(self, target: Target, scope: Scope) -> bool:
        own = self._scope_of_target.get(id(target))
        return own is not None and own.within(scope)

    def _silence(self, scope: Scope) -> None:
        for inner in self.scopes.values():
            if inner.within(scope):
                for rank in inner.ranks:
                    self._execution.queued[rank] = 1

    # Entering

    def _enter(self, scope: Scope, history: bool, tag: Tag) -> Events:
        left = scope.left if history else None
        events = self._restart(scope, tag) if left is None else self._resume(scope, left, tag)
        self._wake(scope)
        return events

    def _resume(self, scope: Scope, left: Tag, now: Tag) -> Events:
        """Put suspended events back with the time that was left to them; returns those that happen now."""
        events: Events = []
        for inner in self.scopes.values():
            if inner.within(scope) and inner.current_within(scope):
                for action in inner.actions:
                    action.resume(left, now)
        for time, microsteps, target, stored in scope.suspended:
            tag = Tag(now.time + time, microsteps) if time else Tag(now.time, now.microstep + microsteps)
            if tag == now:
                events.append((target, stored))
            else:
                self._queue.push(tag, target, stored)
        scope.suspended.clear()
        return events

    def _restart(self, scope: Scope, now: Tag) -> Events:
        """Drop what was pending, set fields back, start timers anew; the same for modes inside."""
        events: Events = []
        for action in scope.actions:
            action.forget()
        scope.suspended.clear()
        for reset in scope.resets:
            reset()
        for target, offset in scope.timers:
            if offset:
                self._queue.push(Tag(now.time + offset, 0), target)
            else:
                events.append((target, None))
        for modal in scope.inner:
            for inner in modal.scopes.values():
                inner.suspended.clear()
                inner.left = None  # it is as if it never was active: history has nothing to resume
                self._silence(inner)
            modal.current = modal.initial
            events += self._restart(modal.initial, now)
        return events

    def _wake(self, scope: Scope) -> None:
        """Let the reactions of all that is active in `scope` run; startup ones where it is for the first time."""
        for inner in self.scopes.values():
            if inner.within(scope) and inner.active:
                for rank in inner.ranks:
                    self._execution.queued[rank] = 0
                if not inner.activated:
                    for rank in inner.startup:
                        self._execution.trigger(rank)
        self._mark_activated()

    def _mark_activated(self) -> None:
        for scope in self.scopes.values():
            scope.activated = scope.activated or scope.active
