"""Modes at run time: which reactions may run, and whose local time stands still.

Each mode is a scope of targets (timers, actions, delayed connections) and reactions, those of contained reactors
included. Reactions of an inactive scope are marked as queued, so that nothing can queue them: the hot path needs no
test of its own. What is pending in a scope that is left moves from the worker's queue to one of the scope itself, with
the tags that it has. Those stand still with the scope: what is scheduled there while it is inactive counts from the
tag at which it was left, and when it is entered by history everything moves back, later by the time between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from rlreactor.action import Action
from rlreactor.dynamic import is_a
from rlreactor.execution import Execution
from rlreactor.mode import Mode
from rlreactor.reactor import Reactor
from rlreactor.scheduler.queue import EventQueue, Events, Target
from rlreactor.tag import Point, moved

__all__ = ["ModeSwitch", "Modes", "scope_of"]


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
        self.actions: list[Action[Any]] = []
        self.pending = EventQueue()  # while its reactor is in another mode
        self.left: Point = (0, 0)  # where its time stands then
        self.activated = False  # whether it ever was active

    @property
    def current(self) -> bool:
        """Whether its reactor is in this mode."""
        return self.modal.current is self

    @property
    def standing(self) -> Scope | None:
        """The scope that stands still and this one with it: itself or the nearest around it; None when it is active."""
        scope: Scope | None = self
        while scope is not None and scope.current:
            scope = scope.modal.around
        return scope

    @property
    def active(self) -> bool:
        """Whether it is current, and so is every mode around it."""
        return self.standing is None

    def within(self, outer: Scope) -> bool:
        """Whether this scope is `outer` or lies in it."""
        scope: Scope | None = self
        while scope is not None and scope is not outer:
            scope = scope.modal.around
        return scope is outer


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

    ranks: tuple[int, ...] = ()

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
    found = (getattr(reactor, name, None) for name in type(reactor)._declaration.elements)
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
        """Silence what is not active at the beginning, and let its timers stand."""
        for scope in self._innermost_first():
            if not scope.current:
                self._leave(scope, (0, 0), [])
        self._silence_and_wake()

    def queue_of(self, target: Target) -> EventQueue:
        """Where events of `target` wait now."""
        standing = self._standing(target)
        return self._queue if standing is None else standing.pending

    def push(self, tag: Point, target: Target, stored: Any) -> None:
        """Queue an event that is due at `tag`; where its time stands still, with what is left from now on."""
        standing = self._standing(target)
        if standing is None:
            self._queue.push(tag, target, stored)
        else:
            standing.pending.push(moved(tag, self._execution.tag, standing.left), target, stored)

    def begin(self, events: Events, tag: Point) -> Events:
        """Carry out the switches among the events of a tag; returns what is left to happen at it.

        Inner modes switch first: what is around them is then left with their new mode, or reset over it.
        """
        switches = sorted((t.modal for t, _ in events if isinstance(t, ModeSwitch)), key=lambda modal: -modal.depth)
        if not switches:
            return events
        events = [(t, s) for t, s in events if not isinstance(t, ModeSwitch)]
        for modal in switches:
            assert modal.requested is not None
            assert modal.current is not None
            (name, history), modal.requested = modal.requested, None
            events = self._leave(modal.current, tag, events)
            modal.current = modal.scopes[name]
            events += self._resume(modal.current, tag) if history else self._restart(modal.current, tag)
        self._silence_and_wake()
        return events

    def before_shutdown(self) -> None:
        """Shutdown reactions run in every mode that was ever active, and in no other."""
        for scope in self.scopes.values():
            if scope.activated and not scope.active:
                for rank in scope.shutdown:
                    self._execution.queued[rank] = 0

    def state(self) -> dict[str, tuple[bool, bool, Point]]:
        """Of every mode: whether its reactor is in it, whether it ever was active, and where its time stands."""
        return {name: (scope.current, scope.activated, scope.left) for name, scope in self.scopes.items()}

    def to_be_made(self, state: Mapping[str, tuple[bool, bool, Point]]) -> list[int]:
        """The startup reactions that have run in the state that `state` gave, and not here: of modes entered later."""
        begun = (scope for name, scope in self.scopes.items() if name in state and state[name][1])
        return sorted(rank for scope in begun if not scope.activated for rank in scope.startup)

    def load_state(self, state: Mapping[str, tuple[bool, bool, Point]]) -> None:
        """Go on from what `state` gave; the events of each mode are the caller's to put back."""
        for name, (current, activated, left) in state.items():
            scope = self.scopes.get(name)
            if scope is not None:
                scope.activated, scope.left = activated, left
                if current:
                    scope.modal.current = scope
        self._silence_and_wake()

    def _request(self, mode: Mode, history: bool) -> None:
        modal = self._modal[id(mode.owner)]
        if modal.requested is None:
            tag = self._execution.tag
            self._execution.schedule((tag[0], tag[1] + 1), self._switches[id(mode.owner)], None)
        modal.requested = (mode.name, history)

    def _standing(self, target: Target) -> Scope | None:
        scope = self._scope_of_target.get(id(target))
        return None if scope is None else scope.standing

    def _innermost_first(self) -> list[Scope]:
        return sorted(self.scopes.values(), key=lambda scope: -scope.modal.depth)

    def _belongs(self, target: Target, scope: Scope) -> bool:
        own = self._scope_of_target.get(id(target))
        return own is not None and own.within(scope)

    def _leave(self, scope: Scope, now: Point, events: Events) -> Events:
        """Let `scope` stand still from `now` on, with what is pending in it; returns the rest of `events`."""
        pending = self._queue.take(lambda target: self._belongs(target, scope))
        pending += [(now, t, s) for t, s in events if self._belongs(t, scope)]
        for tag, target, stored in pending:
            scope.pending.push(tag, target, stored)
        scope.left = now
        for action in self._actions_with(scope):
            action.stand(now)
        return [(t, s) for t, s in events if not self._belongs(t, scope)]

    def _resume(self, scope: Scope, now: Point) -> Events:
        """Let the time of `scope` go on; returns what happens now."""
        for action in self._actions_with(scope):
            action.resume(now)
        pending = [(moved(tag, scope.left, now), t, s) for tag, t, s in scope.pending.take(lambda _: True)]
        return self._queued(pending, now)

    def _restart(self, scope: Scope, now: Point) -> Events:
        """Begin anew in `scope` and, where there are modes inside, in their initial ones; returns what happens now.

        The other modes inside begin anew too: at this tag, at which they then stand.
        """
        self._drop_pending(scope)
        timers = [((now[0] + offset, 0) if offset else now, target, None) for target, offset in scope.timers]
        events = self._queued(timers, now)
        for modal in scope.inner:
            for inner in modal.scopes.values():
                modal.current = inner
                begun = self._restart(inner, now)
                if inner is modal.initial:
                    events += begun
                else:
                    self._leave(inner, now, begun)
            modal.current = modal.initial
        return events

    def _drop_pending(self, scope: Scope) -> None:
        scope.pending.take(lambda _: True)
        for action in scope.actions:
            action.forget()
        for reset in scope.resets:
            reset()

    def _queued(self, events: Sequence[tuple[Point, Target, Any]], now: Point) -> Events:
        """Queue `events` except for those that happen now, which are returned."""
        for tag, target, stored in events:
            if tag != now:
                self._queue.push(tag, target, stored)
        return [(target, stored) for tag, target, stored in events if tag == now]

    def _actions_with(self, scope: Scope) -> Iterator[Action[Any]]:
        """The actions whose time goes with that of `scope`: of itself and of the current modes inside."""
        yield from scope.actions
        for modal in scope.inner:
            if modal.current is not None:
                yield from self._actions_with(modal.current)

    def _silence_and_wake(self) -> None:
        """Let the reactions of active scopes run and no others; startup ones where a scope is active for once first."""
        for scope in self.scopes.values():
            active = scope.active
            for rank in scope.ranks:
                self._execution.queued[rank] = not active
            if active and not scope.activated:
                scope.activated = True
                for rank in scope.startup:
                    self._execution.trigger(rank)
