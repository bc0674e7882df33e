"""Ports: where values enter and leave a reactor.

A port is declared once as a class attribute and bound once per reactor instance. `Input` and `Output` differ only in
who may be connected to them; a container may set the inputs of what it contains and read its outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Self, TypeVar, overload

from rlreactor.access import NEVER, Access, Cell, Running
from rlreactor.errors import AbsentError, RunError, SpecError
from rlreactor.execution import IDLE
from rlreactor.source import Location, caller
from rlreactor.spec import Object, Spec, as_spec
from rlreactor.storage import Objects, Storage
from rlreactor.tag import Point, Tag

if TYPE_CHECKING:
    from rlreactor.reactions import BoundReaction
    from rlreactor.reactor import Reactor

__all__ = ["Element", "Input", "Inputs", "MultiPort", "Output", "Outputs", "Port"]

T = TypeVar("T")
P = TypeVar("P", bound="Port[Any]")
NOBODY = object()  # in place of a reaction: equal to none, running or not


class Element:
    """Anything a reaction can name: a port, a timer, an action, `startup`, `shutdown`."""

    kind = "element"

    def __init__(self) -> None:
        self.name = ""
        self.owner: Reactor | None = None
        self.where: Location = caller()

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = self.name or name

    @property
    def path(self) -> str:
        """Name from the topology down: `actors[2].batch`."""
        prefix = self.owner.path if self.owner is not None else ""
        return f"{prefix}.{self.name}" if prefix else self.name

    def bound(self, owner: Reactor) -> Self:
        """This element as part of one reactor instance."""
        kind = type(self)
        twin = kind.__new__(kind)
        for name, value in vars(self).items():  # of the declared one: see `Reactor.composes`
            setattr(twin, name, value)
        twin.owner = owner
        return twin

    def __repr__(self) -> str:
        return f"<{self.kind} {self.path or 'unnamed'}>"


class Port(Access[T], Element, Generic[T]):
    """A typed place that carries one value, or none, at each tag."""

    def __init__(self, spec: Any) -> None:
        super().__init__()
        self.spec: Spec[T] = as_spec(spec)
        self.hold = False
        self.mutable = False
        self.recorded = True
        self._detach()

    def _detach(self) -> None:
        self._attach(Cell(), IDLE, frozenset(), frozenset(), Objects(self.spec))

    def _attach(
        self,
        cell: Cell,
        execution: Running,
        readers: frozenset[BoundReaction],
        writers: frozenset[BoundReaction],
        storage: Storage,
    ) -> None:
        self._cell = cell
        self._execution = execution
        self._readers = readers
        self._writers = writers
        self._reader = next(iter(readers - writers), NOBODY)
        self._writer = next(iter(writers), NOBODY)
        self._store = storage.store
        self._lend = None if isinstance(self.spec, Object) else storage.empty
        self._plain = self.spec.plain
        self._copied_at: Point | None = None
        self._copy: Any = None
        self._load = None
        if self.mutable:
            self._load = self.spec.private_copy
        elif not self.spec.loads_as_stored:
            self._load = self.spec.load

    def bound(self, owner: Reactor) -> Self:
        twin = super().bound(owner)
        twin._detach()
        return twin

    def _unusual_value(self) -> T:
        """The value where it is not simply that of this tag. Raises AbsentError when there is none."""
        cell = self._cell
        if not cell.present and (not self.hold or cell.value is NEVER):
            raise self._absent()
        if self._load is None:
            shared: T = cell.value
            return shared
        return self._own_copy(self._load) if self.mutable else self._load(cell.value)

    def _fail_to_store(self, error: Exception) -> NoReturn:
        if isinstance(error, SpecError):
            raise SpecError(f"{self.path} ({self.where}): {error}") from None
        raise error

    def _fail_to_lend(self) -> NoReturn:
        raise SpecError(f"{self.path}: empty() needs a fixed size, an Array or a Struct, and this carries {self.spec}")

    def _own_copy(self, load: Callable[[Any], T]) -> T:
        tag = self._execution.tag
        if self._copied_at is not tag:
            self._copied_at = tag
            self._copy = load(self._cell.value)
        copy: T = self._copy
        return copy

    def _absent(self) -> AbsentError:
        reaction = self._execution.reaction
        held = "" if self.hold or self.kind == "output" else ", or declare it with hold=True to keep its last value"
        return AbsentError(
            f"{self.path} carries nothing at {Tag(*self._execution.tag)}, in reaction {reaction}; "
            f"ask .present first{held}"
        )

    def _refuse(self, verb: str, allowed: frozenset[BoundReaction]) -> NoReturn:
        reaction = self._execution.reaction
        if reaction is None:
            raise RunError(f"{self.path}: ports carry values only inside reactions, while the topology runs")
        option = "effects" if verb == "sets" else "reads"
        permitted = ", ".join(sorted(str(r) for r in allowed)) or "none"
        raise RunError(
            f"reaction {reaction} {verb} {self.path} at {Tag(*self._execution.tag)} without having declared it; "
            f"add it to {option}=[...] of the decorator at {reaction.where} (declared by: {permitted})"
        )


class Input(Port[T]):
    """A port that receives.

    Args:
        spec: what it carries: an Array, a Struct or a plain Python type.
        hold: keep the last value readable at later tags.
        mutable: hand out a private copy that may be changed.
    """

    kind = "input"

    @overload
    def __init__(self, spec: Spec[T], *, hold: bool = ..., mutable: bool = ...) -> None: ...
    @overload
    def __init__(self, spec: type[T], *, hold: bool = ..., mutable: bool = ...) -> None: ...
    @overload
    def __init__(self: Input[None], spec: None, *, hold: bool = ..., mutable: bool = ...) -> None: ...
    def __init__(self, spec: Any, *, hold: bool = False, mutable: bool = False) -> None:
        super().__init__(spec)
        self.hold = hold
        self.mutable = mutable


class Output(Port[T]):
    """A port that sends, to any number of readers.

    Args:
        spec: what it carries: an Array, a Struct or a plain Python type.
        recorded: whether its values are part of the trace and of the fingerprint. False is for what says where
            something is, such as an address; results must not depend on it.
    """

    kind = "output"

    @overload
    def __init__(self, spec: Spec[T], *, recorded: bool = ...) -> None: ...
    @overload
    def __init__(self, spec: type[T], *, recorded: bool = ...) -> None: ...
    @overload
    def __init__(self: Output[None], spec: None, *, recorded: bool = ...) -> None: ...
    def __init__(self, spec: Any, *, recorded: bool = True) -> None:
        super().__init__(spec)
        self.recorded = recorded


class MultiPort(Element, Sequence[P]):
    """A list of ports under one name; its channels are `name[0]`, `name[1]`, …"""

    channel_type: type[Port[Any]]

    def __init__(self, spec: Any, width: int | str) -> None:
        super().__init__()
        self.spec: Spec[Any] = as_spec(spec)
        self.width = width
        self.options: dict[str, Any] = {}
        self.channels: list[P] = []

    def open(self, width: int, spec: Spec[Any]) -> None:
        """Make the channels, once the width is known."""
        self.channels = [self._channel(i, spec) for i in range(width)]

    def _channel(self, index: int, spec: Spec[Any]) -> Any:
        channel = self.channel_type(spec, **self.options)
        channel.name = f"{self.name}[{index}]"
        channel.owner = self.owner
        channel.where = self.where
        return channel

    @property
    def present(self) -> bool:
        """Whether any channel carries a value at this tag."""
        return any(channel.present for channel in self.channels)

    @overload
    def __getitem__(self, index: int) -> P: ...
    @overload
    def __getitem__(self, index: slice) -> list[P]: ...
    def __getitem__(self, index: int | slice) -> P | list[P]:
        return self.channels[index]

    def __iter__(self) -> Iterator[P]:
        return iter(self.channels)

    def __len__(self) -> int:
        return len(self.channels)


class Inputs(MultiPort[Input[T]]):
    """`width` inputs under one name. The width is an int or the name of a parameter."""

    kind = "inputs"
    channel_type = Input

    @overload
    def __init__(self, spec: Spec[T], *, width: int | str, hold: bool = ..., mutable: bool = ...) -> None: ...
    @overload
    def __init__(self, spec: type[T], *, width: int | str, hold: bool = ..., mutable: bool = ...) -> None: ...
    def __init__(self, spec: Any, *, width: int | str, hold: bool = False, mutable: bool = False) -> None:
        super().__init__(spec, width)
        self.options = {"hold": hold, "mutable": mutable}


class Outputs(MultiPort[Output[T]]):
    """`width` outputs under one name. The width is an int or the name of a parameter."""

    kind = "outputs"
    channel_type = Output

    @overload
    def __init__(self, spec: Spec[T], *, width: int | str) -> None: ...
    @overload
    def __init__(self, spec: type[T], *, width: int | str) -> None: ...
    def __init__(self, spec: Any, *, width: int | str) -> None:
        super().__init__(spec, width)
