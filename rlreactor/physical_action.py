"""Physical actions: events from outside, stamped by the wall clock."""

from __future__ import annotations

import threading
from typing import Any, TypeVar, overload

from rlreactor.action import Action, Policy
from rlreactor.errors import RunError, SpecError
from rlreactor.execution import Execution
from rlreactor.mode import Mode
from rlreactor.spec import Spec

__all__ = ["PhysicalAction"]

T = TypeVar("T")


class PhysicalAction(Action[T]):
    """An event that any thread may schedule, also while the worker sleeps.

    Its tag is the wall clock since the start plus `min_delay`; two calls give two tags. A topology with a physical
    action runs by the wall clock (`fast=False`) and goes on until it is stopped. Arguments are those of `Action`.
    """

    kind = "physical action"

    @overload
    def __init__(
        self: PhysicalAction[None],
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
    def __init__(self, spec: Any = None, **options: Any) -> None:
        super().__init__(spec, **options)

    def fire(self, stored: Any, execution: Execution) -> None:
        """Called by the scheduler at the tag of the event."""
        if execution.record is not None:
            execution.record(self.path, stored)
        super().fire(stored, execution)

    @overload
    def schedule(self: PhysicalAction[None], value: None = ..., delay: int = ...) -> None: ...
    @overload
    def schedule(self, value: T, delay: int = ...) -> None: ...
    def schedule(self, value: Any = None, delay: int = 0) -> None:
        """Fire `min_delay + delay` ns of wall clock from now.

        Raises:
            SpecError: the value does not fit, or the delay is negative.
            RunError: the topology does not run, or a reaction schedules it without having declared it.
        """
        execution = self._execution
        if execution.inbox is None:
            raise RunError(f"{self.path}: a physical action can be scheduled only while its topology runs")
        running = execution.reaction
        if running is not None and execution.thread == threading.get_ident() and running not in self._writers:
            self._refuse("schedules")
        if type(delay) is not int or delay < 0:
            raise SpecError(f"{self.path}.schedule: expected a delay of 0 ns or more, received {delay!r}")
        try:
            stored = self.spec.store(value)
        except SpecError as error:
            raise SpecError(f"{self.path} ({self.where}): {error}") from None
        execution.inbox.put(self, stored, int(self.min_delay) + delay)
