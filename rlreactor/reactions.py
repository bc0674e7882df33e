"""Reactions: what a reactor does, and everything it may touch while doing it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from rlreactor.dynamic import is_a
from rlreactor.errors import TopologyError
from rlreactor.source import Location

if TYPE_CHECKING:
    from rlreactor.mode import Mode
    from rlreactor.port import Element

__all__ = ["BoundReaction", "ReactionDeclaration", "reaction"]

F = TypeVar("F", bound=Callable[..., None])
Reference = Any
"""What a decorator may list: an element of the class, one of a contained reactor, or a path such as "child.out"."""


class ReactionDeclaration(NamedTuple):
    """What `@reaction` was told, before the class exists."""

    triggers: tuple[Reference, ...]
    reads: tuple[Reference, ...]
    effects: tuple[Reference, ...]
    deadline: int | None
    late: Callable[..., None] | str | None
    mode: Mode | None
    where: Location


class BoundReaction:
    """A reaction of one reactor instance, as it runs."""

    __slots__ = ("deadline", "late", "may_stop", "method", "path", "rank", "where")

    def __init__(
        self,
        path: str,
        rank: int,
        method: Callable[[], None],
        where: Location,
        deadline: int | None = None,
        late: Callable[[], None] | None = None,
        may_stop: bool = False,
    ) -> None:
        self.may_stop = may_stop
        self.path = path
        self.rank = rank
        self.method = method
        self.where = where
        self.deadline = deadline
        self.late = late

    def __str__(self) -> str:
        return self.path


def reaction(
    *triggers: Element | Sequence[Element] | str,
    reads: Sequence[Element | Sequence[Element] | str] = (),
    effects: Sequence[Element | Sequence[Element] | str] = (),
    deadline: int | None = None,
    late: Callable[..., None] | str | None = None,
    mode: Mode | None = None,
) -> Callable[[F], F]:
    """Declare a method as a reaction.

    Args:
        triggers: ports, timers, actions, `startup` or `shutdown`; it runs, once, at a tag where any is present.
        reads: further ports whose value it may read.
        effects: outputs it may set, actions it may schedule, modes it may enter; `shutdown` to call `request_stop`.
        deadline: ns of wall clock after the tag's time; when a reaction would start later, `late` runs instead.
        late: the method (or its name) that handles a missed deadline.
        mode: the mode of the reactor in which it runs; every one by default.

    Ports of a contained reactor are named by path: `"child.out"`, `"actors[2].batch"`, `"actors[*].batch"`.
    """

    first: Any = triggers[0] if triggers else None
    if is_a(first, FunctionType):
        where = Location(first.__code__.co_filename, first.__code__.co_firstlineno)
        hint = "write @reaction(...) with its triggers, not @reaction"
        raise TopologyError([f"reaction {first.__qualname__} ({where}): {hint}"])

    def mark(method: F) -> F:
        code = method.__code__
        where = Location(code.co_filename, code.co_firstlineno)
        declaration = ReactionDeclaration(triggers, tuple(reads), tuple(effects), deadline, late, mode, where)
        method.__reaction__ = declaration  # type: ignore[attr-defined]
        return method

    return mark
