"""Reactors: the class that users extend.

A subclass is declared like a keyword-only dataclass: annotated attributes are parameters, assigned ports, timers and
actions are its interface, methods marked with `@reaction` are what it does. Making an instance keeps the parameters
and composes contained reactors; nothing heavy happens before a `startup` reaction runs on a worker.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, ClassVar, SupportsFloat, TypeVar, dataclass_transform, overload

import numpy as np

from rlreactor.connection import Broadcast, Connection, Placement, endpoints
from rlreactor.declaration import Declaration, ReactorType
from rlreactor.declaring import declare
from rlreactor.dynamic import is_a
from rlreactor.errors import RunError, TopologyError, did_you_mean
from rlreactor.execution import IDLE, Execution, generator
from rlreactor.parameter import validated
from rlreactor.port import Input, MultiPort, Output
from rlreactor.source import caller
from rlreactor.state_field import state
from rlreactor.tag import Tag

__all__ = ["Reactor", "UnknownNameError", "changes", "class_path", "fresh", "unknown_name"]

T = TypeVar("T")


class Composition:
    """What happens while the outermost constructor runs: violations and reactors made on the way."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.made: list[Reactor] = []


_composition: ContextVar[Composition | None] = ContextVar("composition", default=None)


class UnknownNameError(TopologyError, AttributeError):
    """An attribute that a reactor does not have: most often a misspelt port."""


def unknown_name(error: AttributeError) -> UnknownNameError | None:
    """What to say of an attribute that a reactor does not have; None where the error is about something else.

    Said afterwards: a `__getattr__` in the class would make every attribute of every reactor three times as slow.
    """
    reactor = error.obj
    if not isinstance(reactor, Reactor) or type(error) is not AttributeError or not error.name:
        return None
    known = [n for n in {**type(reactor)._declaration.elements, **vars(reactor)} if not n.startswith("_")]
    hint = did_you_mean(error.name, known)
    unknown = UnknownNameError([f"{type(reactor).__name__} {reactor._label()} has no {error.name!r}; {hint}"])
    return unknown.with_traceback(error.__traceback__)


_ANEW = "and a run makes the topology anew from its class and parameters"


def changes(topology: Reactor) -> list[str]:
    """What was assigned to a topology after it was made: no run would know of it."""
    name = type(topology).__name__
    given = topology._parameters.items()
    changed = [parameter for parameter, value in given if vars(topology).get(parameter) is not value]
    added = [child for child, reactor in _assigned(topology) if reactor._parent is None]
    return [
        *(f"{name}.{own} was assigned after compose(), {_ANEW}: write {name}({own}=...)" for own in changed),
        *(f"{name}.{own} was assigned after compose(), {_ANEW}: assign it in there" for own in added),
    ]


def fresh(topology: Reactor) -> Reactor:
    """The same topology again: class and parameters are its whole description. Raises TopologyError."""
    violations = changes(topology)
    if violations:
        raise TopologyError(violations)
    return type(topology)(**topology.parameters)


def class_path(cls: type) -> str:
    """`module:Class`, what a spec calls a reactor class by."""
    return f"{cls.__module__}:{cls.__qualname__}"


@dataclass_transform(kw_only_default=True, field_specifiers=(state,))
class Reactor(metaclass=ReactorType):
    """A unit of state and reactions with typed ports.

    Parameters are keyword-only and validated; unknown names are refused with TopologyError.
    """

    _declaration: ClassVar[Declaration] = Declaration({}, {}, {}, {}, ())

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._declaration = declaration = declare(cls)
        for declared in (declaration.elements, declaration.states, declaration.templates, declaration.parameters):
            for name in declared:
                if name in vars(cls):
                    delattr(cls, name)

    def __init__(self, *unnamed: Any, **given: Any) -> None:
        if unnamed:
            name, known = type(self).__name__, ", ".join(f"{p}=..." for p in type(self)._declaration.parameters)
            raise TopologyError(
                [f"{name} takes parameters by name: {name}({known}), received {unnamed!r} (at {caller()})"]
            )
        composition = _composition.get()
        outermost = composition is None
        composition = composition or Composition()
        token = _composition.set(composition)
        try:
            self._construct(given, composition)
        finally:
            _composition.reset(token)
        if outermost and composition.violations:
            raise TopologyError(composition.violations)

    def _construct(self, given: dict[str, Any], composition: Composition) -> None:
        self._where = caller()
        self._parent: Reactor | None = None
        self._name = ""
        self._execution: Execution = IDLE
        self._generator: np.random.Generator | None = None
        self._connections: list[Connection] = []
        self._placements: list[Placement] = []
        self._orphans: list[Reactor] = []
        declaration = type(self)._declaration
        values, violations = validated(type(self).__name__, declaration.parameters, given)
        composition.violations += [f"{text} (made at {self._where})" for text in violations]
        self._parameters = values
        composition.made.append(self)
        if violations:
            return
        for name, value in values.items():
            setattr(self, name, value)
        for name, element in declaration.elements.items():
            setattr(self, name, element.bound(self))
        self._compose_children(declaration, composition)

    def _compose_children(self, declaration: Declaration, composition: Composition) -> None:
        first = len(composition.made)
        self._open_multiports(composition)
        for name, template in declaration.templates.items():
            setattr(self, name, type(template)(**template._parameters))
        try:
            self.compose()
        except AttributeError as error:
            unknown = unknown_name(error)
            if unknown is None:
                raise
            raise unknown from None
        for name, child in self._named_children():
            if child._parent is None:
                child._parent, child._name = self, name
        self._orphans = [r for r in composition.made[first:] if r._parent is None]

    def _open_multiports(self, composition: Composition) -> None:
        for name in type(self)._declaration.elements:
            element = getattr(self, name)
            if isinstance(element, MultiPort):
                width = (
                    self._parameters.get(element.width, element.width)
                    if isinstance(element.width, str)
                    else element.width
                )
                if type(width) is int and width >= 0:
                    element.channels = []
                    element.open(width, element.spec)
                else:
                    known = did_you_mean(str(width), self._parameters)
                    composition.violations.append(
                        f"{type(self).__name__}.{name}: width: expected an int of 0 or more or the name of such a "
                        f"parameter, received {width!r}; {known} ({element.where})"
                    )

    def _named_children(self) -> Iterator[tuple[str, Reactor]]:
        return _assigned(self) if self.composes else iter(())

    @property
    def children(self) -> list[Reactor]:
        """The contained reactors, in order of their attributes."""
        return [child for _, child in self._named_children() if child._parent is self]

    @property
    def composes(self) -> bool:
        """Whether it may contain reactors.

        Only then is `__dict__` looked at. Once it is, CPython 3.11 finds every attribute of that instance four times
        as slowly, and sets it five times as slowly (25 ns and 30 ns against 6), as long as it shares its keys with
        other instances; and reactions are full of attributes.
        """
        return type(self).compose is not Reactor.compose or bool(type(self)._declaration.templates)

    def compose(self) -> None:
        """Make contained reactors, assign them to attributes and connect them. Does nothing by default."""

    @property
    def path(self) -> str:
        """Where this reactor stands in the topology, `actors[2]`; empty for the topology itself."""
        if self._parent is None:
            return ""
        prefix = self._parent.path
        return f"{prefix}.{self._name}" if prefix else self._name

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Every parameter by name: with the class path the whole description of this reactor."""
        return self._parameters

    @overload
    def connect(
        self,
        source: Output[T] | Sequence[Output[T]] | Sequence[Sequence[Output[T]]] | Broadcast[Output[T]],
        sink: Input[T] | Sequence[Input[T]] | Sequence[Sequence[Input[T]]],
        *,
        after: int | None = ...,
        physical: bool = ...,
    ) -> None: ...
    @overload
    def connect(
        self,
        source: Output[T] | Sequence[Output[T]] | Sequence[Sequence[Output[T]]] | Broadcast[Output[T]],
        sink: Output[T] | Sequence[Output[T]] | Sequence[Sequence[Output[T]]],
        *,
        after: int | None = ...,
        physical: bool = ...,
    ) -> None: ...
    @overload
    def connect(
        self,
        source: Input[T] | Sequence[Input[T]] | Sequence[Sequence[Input[T]]] | Broadcast[Input[T]],
        sink: Input[T] | Sequence[Input[T]] | Sequence[Sequence[Input[T]]],
        *,
        after: int | None = ...,
        physical: bool = ...,
    ) -> None: ...
    def connect(self, source: Any, sink: Any, *, after: int | None = None, physical: bool = False) -> None:
        """Connect ports of contained reactors, or this reactor's own ports with theirs.

        Lists pair in order; one source feeds every port of a list. `after` is in ns: None keeps the tag, 0 adds a
        microstep. `physical` takes the receiver's tag from the wall clock. Mistakes are reported by `check`.

        Raises TopologyError outside of `compose`: runs make the topology anew, and would not know of it.
        """
        self._require_composing("connect")
        self._connections.append(
            Connection(endpoints(source), endpoints(sink), after, physical, caller(), source, sink)
        )

    def place(
        self,
        reactor: Reactor | Sequence[Reactor],
        *,
        cost: float | None = None,
        threads: int = 1,
        gpu: int = 0,
        with_: str | None = None,
        host: str | None = None,
    ) -> None:
        """Tell the planner about a contained reactor.

        Args:
            reactor: the reactor, or a bank of them.
            cost: seconds of computing per tag at which it reacts; measured or guessed when not given.
            threads: threads its numeric libraries use; the result may depend on them, so they belong to the reactor.
            gpu: GPUs it needs.
            with_: path of a reactor that it must share a worker with.
            host: name of the host it must be on.

        Raises TopologyError outside of `compose`: runs make the topology anew, and would not know of it.
        """
        self._require_composing("place")
        reactors = [reactor] if isinstance(reactor, Reactor) else list(reactor)
        self._placements.append(Placement(reactors, cost, threads, gpu, with_, host, caller()))

    def _require_composing(self, method: str) -> None:
        if _composition.get() is None:
            name = type(self).__name__
            raise TopologyError([f"{name}.{method}() at {caller()} comes after compose(), {_ANEW}: call it in there"])

    @property
    def tag(self) -> Tag:
        """The current tag."""
        self._execution.require_running("self.tag")
        return Tag(*self._execution.tag)

    @property
    def lag(self) -> int:
        """Wall clock since the start minus logical time, in ns."""
        self._execution.require_running("self.lag")
        return self._execution.clock() - self._execution.tag[0]

    @property
    def rng(self) -> np.random.Generator:
        """Random numbers that depend on the run's seed and this reactor's path, never on the worker."""
        if self._generator is None:
            self._execution.require_running("self.rng")
            self._generator = generator(self._execution.seed, self.path)
        return self._generator

    @property
    def keeps_snapshots(self) -> bool:
        """Whether this run may be snapshotted: what is only needed for that need not be kept otherwise."""
        return self._execution.keeps_snapshots

    def to_snapshot(self) -> Mapping[str, Any]:
        """What a resumed run needs of this reactor besides its state fields: plain data and arrays. {} by default.

        Called between two tags, when no reaction runs. What it gives is packed at once, so views need no copy.
        """
        return {}

    def from_snapshot(self, saved: Mapping[str, Any]) -> None:
        """Continue from what `to_snapshot` gave, byte for byte. Does nothing by default.

        A resumed run begins like any other: the reactions of time 0 make what is heavy. Then come the state fields,
        where an array keeps its memory if it has the same dtype and shape, and then this.
        """

    def log(self, **values: SupportsFloat) -> None:
        """Record metrics at the current tag."""
        self._execution.require_running("self.log")
        self._execution.log(self.path, values)

    def request_stop(self) -> None:
        """End the program one microstep from now. The reaction must declare `effects=[shutdown]`."""
        reaction = self._execution.require_running("self.request_stop()")
        if not reaction.may_stop:
            raise RunError(
                f"reaction {reaction} calls request_stop() at {Tag(*self._execution.tag)} without having declared it; "
                f"add effects=[shutdown] to the decorator at {reaction.where}"
            )
        self._execution.request_stop()

    def _label(self) -> str:
        path = getattr(self, "_parent", None) and self.path
        return f"{path!r}" if path else f"(made at {getattr(self, '_where', None)})"

    def __repr__(self) -> str:
        parameters = ", ".join(f"{name}={value!r}" for name, value in self._parameters.items())
        return f"{type(self).__name__}({parameters})"


def _assigned(reactor: Reactor) -> Iterator[tuple[str, Reactor]]:
    """The reactors in its attributes."""
    for attribute, value in vars(reactor).items():
        if not attribute.startswith("_"):
            yield from _reactors_in(attribute, value)


def _reactors_in(name: str, value: Any) -> Iterator[tuple[str, Reactor]]:
    if isinstance(value, Reactor):
        yield name, value
    elif is_a(value, list, tuple):
        for index, item in enumerate(value):
            yield from _reactors_in(f"{name}[{index}]", item)
