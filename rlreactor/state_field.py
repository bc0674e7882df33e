"""State fields: what a reactor remembers from tag to tag. Made on the worker, part of every snapshot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar, overload

from rlreactor.dynamic import is_a
from rlreactor.errors import TopologyError
from rlreactor.mode import Mode
from rlreactor.source import Location, caller

__all__ = ["StateField", "state"]

T = TypeVar("T")


class StateField:
    """The declaration of one state field."""

    def __init__(self, default: Any, factory: Callable[[], Any] | None, reset: bool | Mode, where: Location) -> None:
        self.default = default
        self.factory = factory
        self.reset = reset  # by a mode of the reactor itself, or (True) by any mode around it
        self.where = where

    def initial(self) -> Any:
        """A fresh initial value."""
        return self.factory() if self.factory is not None else self.default


@overload
def state(*, reset: bool | Mode = ..., init: Literal[False] = False) -> Any: ...
@overload
def state(default: T, *, reset: bool | Mode = ..., init: Literal[False] = False) -> T: ...
@overload
def state(*, factory: Callable[[], T], reset: bool | Mode = ..., init: Literal[False] = False) -> T: ...
def state(
    default: Any = None,
    *,
    factory: Callable[[], Any] | None = None,
    reset: bool | Mode = False,
    init: Literal[False] = False,
) -> Any:
    """Declare a state field: `steps: int = state(0)`, `seen: list[int] = state(factory=list)`.

    It is no constructor argument (`init` is there for type checkers only). Raises TopologyError for a default that
    could be changed in place and would then be shared between reactors.

    With `reset` the field gets its initial value again when a mode is entered by reset: the mode given, or, for True,
    any mode that the reactor is contained in.
    """
    where = caller()
    if factory is None and is_a(default, list, dict, set, bytearray):
        name = type(default).__name__
        raise TopologyError(
            [f"state({default!r}) at {where} would be shared by all reactors of the class; write state(factory={name})"]
        )
    return StateField(default, factory, reset, where)
