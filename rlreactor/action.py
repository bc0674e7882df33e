"""Actions: events that a reactor schedules for itself."""

from __future__ import annotations

import threading
from typing import Any, Generic, Literal, TypeVar, get_args, overload

from rlreactor.access import Cell
from rlreactor.errors import RunError, SpecError
from rlreactor.execution import IDLE, Execution
from rlreactor.mode import Mode
from rlreactor.port import Element
from rlreactor.reactions import BoundReaction
from rlreactor.spec import Spec, as_spec
from rlreactor.tag import Point, Tag, moved

__all__ = ["Action", "Policy"]

T = TypeVar("T")
Policy = Literal["defer", "drop", "replace", "update"]


class Action(Element, Generic[T]):
    """An event scheduled from inside a reactor.

    Args:
        spec: what it carries: an Array, a Struct or a plain Python type; nothing by default.
        min_delay: ns added to every schedule, or the name of a parameter.
        min_spacing: ns that must lie between two scheduled tags, or the name of a parameter; None lets schedules for
            one tag pile up in successive microsteps.
        policy: what happens to a schedule that comes too close: `defer` it to the last tag plus the spacing, `drop`
            it, `replace` the pending event's value, or `update` (remove the pending event, keep the new tag).
        mode: the mode of the reactor that it belongs to; its time stands still while that is inactive.
    """

    kind = "action"

    @overload
    def __init__(
        self: Action[None],
        spec: None = ...,
        *,
        min_delay: int | str = ...,
        min_spacing: int | str | None = ...,
        policy: Policy = ...,
        mode: Mode | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        spec: Spec[T],
        *,
        min_delay: int | str = ...,
        min_spacing: int | str | None = ...,
        policy: Policy = ...,
        mode: Mode | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        spec: type[T],
        *,
        min_delay: int | str = ...,
        min_spacing: int | str | None = ...,
        policy: Policy = ...,
        mode: Mode | None = ...,
    ) -> None: ...
    def __init__(
        self,
        spec: Any = None,
        *,
        min_delay: int | str = 0,
        min_spacing: int | str | None = None,
        policy: Policy = "defer",
        mode: Mode | None = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        if policy not in get_args(Policy):
            raise SpecError(f"policy: expected one of {get_args(Policy)}, received {policy!r} ({self.where})")
        self.spec: Spec[T] = as_spec(spec)
        self.min_delay = min_delay
        self.min_spacing = min_spacing
        self.policy: Policy = policy
        self._attach(Cell(), IDLE, frozenset(), frozenset())

    def _attach(
        self,
        cell: Cell,
        execution: Execution,
        readers: frozenset[BoundReaction],
        writers: frozenset[BoundReaction],
    ) -> None:
        self._cell = cell
        self._execution = execution
        self._readers = readers
        self._writers = writers
        self._pending: set[Point] = set()  # tags at which this action is queued
        self._last: Point | None = None  # the tag that was scheduled last
        self._stands_at: Point | None = None  # where its time stands while its mode is inactive

    @property
    def present(self) -> bool:
        """Whether the action fires at this tag."""
        if self._execution.reaction not in self._readers:
            self._refuse("reads")
        return self._cell.present

    @property
    def value(self) -> T:
        """What was scheduled for this tag. Raises AbsentError when the action does not fire."""
        if not self.present:
            from rlreactor.errors import AbsentError

            raise AbsentError(f"{self.path} does not fire at {Tag(*self._execution.tag)}; ask .present first")
        return self.spec.load(self._cell.value)

    @overload
    def schedule(self: Action[None], value: None = ..., delay: int = ...) -> None: ...
    @overload
    def schedule(self, value: T, delay: int = ...) -> None: ...
    def schedule(self, value: Any = None, delay: int = 0) -> None:
        """Fire `min_delay + delay` ns from now; one microstep later where that is 0.

        Raises:
            SpecError: the value does not fit, or the delay is negative.
            RunError: called outside a reaction that declared this action as an effect.
        """
        execution = self._execution
        if execution.reaction not in self._writers or execution.thread != threading.get_ident():
            self._refuse("schedules")
        if type(delay) is not int or delay < 0:
            raise SpecError(f"{self.path}.schedule: expected a delay of 0 ns or more, received {delay!r}")
        try:
            stored = self.spec.store(value)
        except SpecError as error:
            raise SpecError(f"{self.path} ({self.where}): {error}") from None
        self.admit(self._requested(execution.tag, delay), stored)

    def _requested(self, now: Point, delay: int) -> Point:
        total = int(self.min_delay) + delay
        return (now[0] + total, 0) if total else (now[0], now[1] + 1)

    def admit(self, tag: Point, stored: Any) -> None:
        """Queue an event that asks for `tag`, spaced as declared."""
        if self._stands_at is not None:
            tag = moved(tag, self._execution.tag, self._stands_at)
        if self.min_spacing is not None and self._last is not None:
            earliest = self._spaced_after(self._last, int(self.min_spacing))
            if tag < earliest:
                return self._resolve(tag, earliest, stored)
        self._enqueue(self._free_from(tag), stored)

    @staticmethod
    def _spaced_after(last: Point, spacing: int) -> Point:
        return (last[0] + spacing, 0) if spacing else (last[0], last[1] + 1)

    def _resolve(self, tag: Point, earliest: Point, stored: Any) -> None:
        """A schedule that comes closer to the last one than the spacing allows (SEMANTICS: logical actions)."""
        pending = self._last if self._last in self._pending else None
        if self.policy == "drop":
            return
        if self.policy == "replace" and pending is not None:
            self._execution.schedule(pending, self, stored, replace=True)
            return
        if self.policy == "update" and pending is not None:
            self._pending.discard(pending)
            self._execution.schedule(pending, self, None, remove=True)
            self._enqueue(self._free_from(tag), stored)
            return
        self._enqueue(self._free_from(earliest), stored)

    def _free_from(self, tag: Point) -> Point:
        while tag in self._pending:
            tag = tag[0], tag[1] + 1
        return tag

    def _enqueue(self, tag: Point, stored: Any) -> None:
        self._pending.add(tag)
        self._last = tag
        self._execution.schedule(tag, self, stored)

    def stand(self, left: Point) -> None:
        """Its mode was left: what is scheduled from now on counts from there."""
        self._stands_at = left

    def resume(self, now: Point) -> None:
        """Its mode goes on: all that it knows of tags moves by the time that it stood still."""
        left, self._stands_at = self._stands_at, None
        if left is not None:
            self._pending = {moved(tag, left, now) for tag in self._pending}
            self._last = None if self._last is None else moved(self._last, left, now)

    def forget(self) -> None:
        """Nothing is pending any more, and its time goes on."""
        self._pending.clear()
        self._last = self._stands_at = None

    def state(self) -> tuple[list[Point], Point | None, Point | None]:
        """What it knows of tags, for a snapshot."""
        return sorted(self._pending), self._last, self._stands_at

    def load_state(self, state: tuple[list[Point], Point | None, Point | None]) -> None:
        """Go on from what `state` gave."""
        pending, self._last, self._stands_at = state
        self._pending = set(pending)

    @property
    def ranks(self) -> tuple[int, ...]:
        """The reactions that it triggers."""
        return self._cell.ranks

    def fire(self, stored: Any, execution: Execution) -> None:
        """Called by the scheduler at the tag of the event."""
        self._pending.discard(execution.tag)
        self._cell.assign(stored, execution)

    def _refuse(self, verb: str) -> None:
        reaction = self._execution.reaction
        if reaction is None or self._execution.thread != threading.get_ident():
            raise RunError(
                f"{self.path}: an action is {'scheduled' if verb == 'schedules' else 'read'} inside a reaction, "
                "while the topology runs; to send an event from outside, use a PhysicalAction"
            )
        option = "effects" if verb == "schedules" else "reads"
        raise RunError(
            f"reaction {reaction} {verb} {self.path} at {Tag(*self._execution.tag)} without having declared it; "
            f"add it to {option}=[...] of the decorator at {reaction.where}"
        )
