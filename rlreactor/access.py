"""What happens whenever a reaction touches a port: the hottest path there is, between the user's lines.

`access.c` is the same in C, in a third of the time; it calls the methods of `Port` for whatever is not usual.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from rlreactor.tag import Point, Tag

if TYPE_CHECKING:
    from rlreactor.reactions import BoundReaction
    from rlreactor.scheduler.outlet import Outlet

__all__ = ["NEVER", "Access", "Cell", "Running"]

T = TypeVar("T")

NEVER = object()
"""What a cell holds that was never set."""


class Cell:
    """The value of one port and of everything connected to it without delay: set once, read by all."""

    __slots__ = ("outlet", "present", "ranks", "value")

    def __init__(self) -> None:
        self.value: Any = NEVER
        self.present = False
        self.ranks: tuple[int, ...] = ()  # reactions that it triggers
        self.outlet: Outlet | None = None  # where a value that a reaction sets goes from here

    def assign(self, value: Any, execution: Running) -> None:
        """Make `value` present at the current tag. What that triggers is the scheduler's business."""
        self.value = value
        if not self.present:
            self.present = True
            execution.present.append(self)


class Running:
    """What of a worker's state every access looks at.

    Attributes:
        reaction: the one that runs; None between two.
        present: cells with a value at this tag, in order of their first assignment.
        tag: at which it is.
    """

    __slots__ = ("present", "reaction", "tag")

    def __init__(self) -> None:
        self.tag: Point = Tag(0, 0)
        self.reaction: BoundReaction | None = None
        self.present: list[Cell] = []


class Access(Generic[T]):
    """The part of a port that reactions use.

    Attributes:
        _readers, _writers: the reactions that have declared it.
        _reader, _writer: one of them. Most ports are read by one reaction and written by one: comparing with that is
            half the price of a look-up.
        _store, _lend: of the storage; `_lend` is None where values have no fixed size.
        _plain: values of exactly this type are stored as they are.
        _load: makes what a reader sees of a stored value; None: it sees that one.
    """

    __slots__ = (
        "_cell", "_execution", "_lend", "_load", "_plain", "_reader", "_readers", "_store", "_writer", "_writers",
    )  # fmt: skip

    _cell: Cell
    _execution: Running
    _readers: frozenset[BoundReaction]
    _writers: frozenset[BoundReaction]
    _reader: object
    _writer: object
    _store: Callable[[Any], Any]
    _lend: Callable[[], Any] | None
    _plain: type[Any] | None
    _load: Callable[[Any], T] | None

    @property
    def present(self) -> bool:
        """Whether the port carries a (new) value at this tag."""
        reaction = self._execution.reaction
        if reaction is not self._reader and reaction not in self._readers:
            self._refuse("reads", self._readers)
        return self._cell.present

    @property
    def value(self) -> T:
        """The value at this tag; of a held input the last one. Raises AbsentError when there is none."""
        reaction = self._execution.reaction
        if reaction is not self._reader and reaction not in self._readers:
            self._refuse("reads", self._readers)
        cell = self._cell
        if not cell.present or self._load is not None:
            return self._unusual_value()
        value: T = cell.value
        return value

    def set(self, value: T, /) -> None:
        """Give a value away; the last one set at a tag counts. Raises SpecError if it does not fit the spec."""
        execution = self._execution
        reaction = execution.reaction
        if reaction is not self._writer and reaction not in self._writers:
            self._refuse("sets", self._writers)
        cell = self._cell
        if type(value) is self._plain:
            cell.value = value
        else:
            try:
                cell.value = self._store(value)
            except Exception as error:
                self._fail_to_store(error)
        if not cell.present:
            cell.present = True
            execution.present.append(cell)

    def empty(self) -> T:
        """A writable value in the memory of the edge itself: fill it in place, then `set` it."""
        reaction = self._execution.reaction
        if reaction is not self._writer and reaction not in self._writers:
            self._refuse("sets", self._writers)
        if self._lend is None:
            self._fail_to_lend()
        value: T = self._lend()
        return value

    # Whatever is not usual

    def _refuse(self, verb: str, allowed: frozenset[BoundReaction]) -> NoReturn:
        raise NotImplementedError

    def _unusual_value(self) -> T:
        raise NotImplementedError

    def _fail_to_store(self, error: Exception) -> NoReturn:
        raise NotImplementedError

    def _fail_to_lend(self) -> NoReturn:
        raise NotImplementedError
