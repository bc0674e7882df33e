"""Reactors: the class that users extend.

A subclass is declared like a keyword-only dataclass: annotated attributes are parameters, assigned ports, timers and
actions are its interface, methods marked with `@reaction` are what it does. Making an instance keeps the parameters
and composes contained reactors; nothing heavy happens before a `startup` reaction runs on a worker.
"""

from __future__ import annotations

import dis
import functools
import inspect
import sys
from abc import ABCMeta
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from types import CodeType
from typing import Any, ClassVar, NamedTuple, SupportsFloat, TypeVar, dataclass_transform, overload

import numpy as np

from rlreactor.connection import Broadcast, Connection, Placement, endpoints
from rlreactor.dynamic import is_a
from rlreactor.errors import RunError, TopologyError, did_you_mean
from rlreactor.execution import IDLE, Execution, generator
from rlreactor.lifecycle import Lifecycle, shutdown
from rlreactor.parameter import MISSING, Parameter, validated
from rlreactor.physical_action import PhysicalAction
from rlreactor.port import Element, Input, MultiPort, Output
from rlreactor.reactions import ReactionDeclaration
from rlreactor.source import Location, caller
from rlreactor.state_field import StateField, state
from rlreactor.tag import Tag
from rlreactor.timer import Timer
from rlreactor.usage import Use, uses

__all__ = [
    "Declaration", "ReactionSignature", "Reactor", "UnknownNameError", "changes", "class_path", "fresh", "unknown_name",
]  # fmt: skip

T = TypeVar("T")


class ReactionSignature(NamedTuple):
    """A reaction of a class with its references as paths relative to the reactor (or a Lifecycle)."""

    name: str
    triggers: tuple[str | Lifecycle, ...]
    reads: tuple[str | Lifecycle, ...]
    effects: tuple[str | Lifecycle, ...]
    deadline: int | None
    late: str | None
    mode: str | None
    where: Location


class Declaration(NamedTuple):
    """Everything a reactor class declares, base classes first."""

    parameters: dict[str, Parameter]
    states: dict[str, StateField]
    elements: dict[str, Element]
    templates: dict[str, Reactor]
    reactions: tuple[ReactionSignature, ...]


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
    added = [child for child, reactor in topology._named_children() if reactor._parent is None]
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


class ReactorType(ABCMeta):
    """The class of reactor classes: `Rollout.batch` is the port that the class declared.

    Declarations are kept out of the class's own namespace. A name that stands there too, as the default of a state
    field would, makes every use of the instance's attribute two to three times as slow (CPython 3.11, 26 against
    12 ns), and reactions are full of them.
    """

    def __getattr__(cls, name: str) -> Any:
        declaration: Declaration = cls._declaration
        for declared in (declaration.elements, declaration.states, declaration.templates):
            if name in declared:
                return declared[name]
        if name in declaration.parameters and declaration.parameters[name].default is not MISSING:
            return declaration.parameters[name].default
        raise AttributeError(f"class {cls.__name__} has no {name!r}", name=name, obj=cls)


@dataclass_transform(kw_only_default=True, field_specifiers=(state,))
class Reactor(metaclass=ReactorType):
    """A unit of state and reactions with typed ports.

    Parameters are keyword-only and validated; unknown names are refused with TopologyError.
    """

    _declaration: ClassVar[Declaration] = Declaration({}, {}, {}, {}, ())

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._declaration = declaration = _declare(cls)
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
        vars(self).update(values)
        self._parameters = values
        composition.made.append(self)
        if violations:
            return
        for name, element in declaration.elements.items():
            vars(self)[name] = element.bound(self)
        self._compose_children(declaration, composition)

    def _compose_children(self, declaration: Declaration, composition: Composition) -> None:
        first = len(composition.made)
        self._open_multiports(composition)
        for name, template in declaration.templates.items():
            vars(self)[name] = type(template)(**template._parameters)
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
            element = self.__dict__[name]
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
        for attribute, value in self.__dict__.items():
            if not attribute.startswith("_"):
                yield from _reactors_in(attribute, value)

    @property
    def children(self) -> list[Reactor]:
        """The contained reactors, in order of their attributes."""
        return [child for _, child in self._named_children() if child._parent is self]

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
        path = self.__dict__.get("_parent") and self.path
        return f"{path!r}" if path else f"(made at {self.__dict__.get('_where')})"

    def __repr__(self) -> str:
        parameters = ", ".join(f"{name}={value!r}" for name, value in self._parameters.items())
        return f"{type(self).__name__}({parameters})"


def _reactors_in(name: str, value: Any) -> Iterator[tuple[str, Reactor]]:
    if isinstance(value, Reactor):
        yield name, value
    elif is_a(value, list, tuple):
        for index, item in enumerate(value):
            yield from _reactors_in(f"{name}[{index}]", item)


_RESERVED: frozenset[str] = frozenset(name for name in vars(Reactor) if not name.startswith("__"))


def _declare(cls: type[Reactor]) -> Declaration:
    violations: list[str] = []
    inherited = [b._declaration for b in reversed(cls.__mro__[1:]) if issubclass(b, Reactor)]
    declaration = Declaration({}, {}, {}, {}, ())
    for base in inherited:
        declaration.parameters.update(base.parameters)
        declaration.states.update(base.states)
        declaration.elements.update(base.elements)
        declaration.templates.update(base.templates)
    _declare_own(cls, declaration, violations)
    names = dict.fromkeys(r.name for base in inherited for r in base.reactions)
    names.update(dict.fromkeys(n for n, v in vars(cls).items() if hasattr(v, "__reaction__")))
    reactions = tuple(_signature(cls, name, declaration, violations) for name in names)
    declaration = declaration._replace(reactions=reactions)
    for signature in reactions:
        _check_usage(cls, signature, declaration, violations)
    if violations:
        raise TopologyError(dict.fromkeys(violations))
    return declaration


def _declare_own(cls: type[Reactor], declaration: Declaration, violations: list[str]) -> None:
    namespace = _enclosing_names(cls)
    annotations = inspect.get_annotations(cls)
    if "__init__" in vars(cls):
        violations.append(
            f"{cls.__name__}.__init__: a reactor has no constructor of its own; annotate attributes to make them "
            "parameters, and make what it contains in compose()"
        )
    for name in annotations:
        if name in _RESERVED and name not in vars(cls):
            violations.append(f"{cls.__name__}.{name}: this name belongs to Reactor; choose another")
    for name, value in vars(cls).items():
        if name in _RESERVED and name != "compose" and not name.startswith("_"):
            violations.append(f"{cls.__name__}.{name}: this name belongs to Reactor; choose another")
        if isinstance(value, Element):
            declaration.elements[name] = value
        elif isinstance(value, StateField):
            declaration.states[name] = value
        elif isinstance(value, Reactor):
            declaration.templates[name] = value
        elif name in declaration.parameters and name not in annotations:
            declaration.parameters[name] = declaration.parameters[name]._replace(default=value)
    for name, annotation in annotations.items():
        if _is_parameter(cls, name, annotation):
            default = vars(cls).get(name, MISSING)
            declaration.parameters[name] = Parameter(name, annotation, default, namespace, cls.__module__)


def _is_parameter(cls: type, name: str, annotation: Any) -> bool:
    if name.startswith("_") or "ClassVar" in str(annotation):
        return False
    return not isinstance(vars(cls).get(name), Element | StateField | Reactor)


def _enclosing_names(cls: type) -> Mapping[str, Any]:
    """Local names that annotations of a class inside a function may use."""
    if "<locals>" not in cls.__qualname__:
        return {}
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__") != cls.__module__:
        frame = frame.f_back
    return dict(frame.f_locals)


def _signature(cls: type[Reactor], name: str, declaration: Declaration, violations: list[str]) -> ReactionSignature:
    function = getattr(cls, name)
    given: ReactionDeclaration = next(
        vars(b)[name].__reaction__ for b in cls.__mro__ if hasattr(vars(b).get(name), "__reaction__")
    )
    owner = f"{cls.__name__}.{name}"

    def paths(references: Sequence[Any]) -> tuple[str | Lifecycle, ...]:
        return tuple(p for r in references for p in _reference(cls, owner, r, declaration, given.where, violations))

    late = given.late if isinstance(given.late, str) or given.late is None else given.late.__name__
    mode = None if given.mode is None else given.mode.name
    if given.mode is not None and declaration.elements.get(given.mode.name) is not given.mode:
        violations.append(f"reaction {owner} ({given.where}): mode={given.mode} is no mode of {cls.__name__}")
    triggers = paths(given.triggers)
    if not triggers:
        violations.append(f"reaction {owner} ({given.where}) has no trigger; name a port, timer, action or startup")
    if (given.deadline is None) != (late is None):
        violations.append(
            f"reaction {owner} ({given.where}): deadline= and late= belong together; give both or neither"
        )
    if given.deadline is not None and (type(given.deadline) is not int or given.deadline < 0):
        violations.append(
            f"reaction {owner} ({given.where}): deadline: expected ns as an int of 0 or more (ms(5), sec(1)), "
            f"received {given.deadline!r}"
        )
    if late is not None and not callable(getattr(cls, late, None)):
        violations.append(f"reaction {owner} ({given.where}): late={late!r} is no method of {cls.__name__}")
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        violations.append(f"reaction {owner} ({given.where}) is a coroutine or generator; a reaction runs to its end")
    return ReactionSignature(
        name, triggers, paths(given.reads), paths(given.effects), given.deadline, late, mode, given.where
    )


def _reference(
    cls: type[Reactor], owner: str, given: Any, declaration: Declaration, where: Location, violations: list[str]
) -> Iterator[str | Lifecycle]:
    if isinstance(given, Lifecycle | str):
        yield given
    elif isinstance(given, Element):
        yield _element_path(cls, owner, given, declaration)
    elif is_a(given, Sequence):
        for item in given:
            yield from _reference(cls, owner, item, declaration, where, violations)
    else:
        violations.append(
            f"reaction {owner} ({where}): expected a port, timer, action, startup, shutdown or a path such as "
            f"'child.out', received {given!r}"
        )


def _element_path(cls: type[Reactor], owner: str, element: Element, declaration: Declaration) -> str:
    if element.owner is not None:
        for name, template in declaration.templates.items():
            if element.owner is template:
                return f"{name}.{element.name}"
    if not element.name:  # a timer or an action made inside the decorator
        element.name = f"{owner.rpartition('.')[2]}_{element.kind}"
        while element.name in declaration.elements:
            element.name += "_"
        declaration.elements[element.name] = element
        setattr(cls, element.name, element)
    return element.name


def _check_usage(
    cls: type[Reactor], signature: ReactionSignature, declaration: Declaration, violations: list[str]
) -> None:
    declared = _declared_names(signature)
    for method in filter(None, (signature.name, signature.late)):
        for use in uses(getattr(cls, method, None) or (lambda: None), cls):
            problem = _usage_problem(cls, use, declared, declaration)
            if problem:
                violations.append(f"reaction {cls.__name__}.{signature.name} ({signature.where}): {problem}")


class _Declared(NamedTuple):
    readable: frozenset[str]
    writable: frozenset[str]
    may_stop: bool


def _declared_names(signature: ReactionSignature) -> _Declared:
    def names(references: tuple[str | Lifecycle, ...]) -> frozenset[str]:
        # one channel of a multiport, "out[1]": which of them is used, the ports see when it happens
        return frozenset(r.partition("[")[0] for r in references if isinstance(r, str))

    return _Declared(
        names(signature.triggers) | names(signature.reads), names(signature.effects), shutdown in signature.effects
    )


def _usage_problem(cls: type, use: Use, declared: _Declared, declaration: Declaration) -> str | None:
    if use.name == "request_stop" and not declared.may_stop:
        return f"line {use.line} calls request_stop(); declare it with effects=[shutdown]"
    element = declaration.elements.get(use.name)
    if element is None:
        return _misspelt(cls, use, declaration)
    if isinstance(element, Timer | PhysicalAction):  # a physical action is scheduled from any thread
        return None
    readable, writable = use.name in declared.readable, use.name in declared.writable
    readback = writable and isinstance(element, Output)
    if use.mode == "reads" and not (readable or readback):
        return f"line {use.line} reads `{use.name}`, which it does not declare; add it to reads=[{use.name}]"
    if use.mode == "writes" and not writable:
        verb = {"action": "schedules", "mode": "enters"}.get(element.kind, "sets")
        return f"line {use.line} {verb} `{use.name}`, which it does not declare; add it to effects=[{use.name}]"
    if use.mode == "uses" and not (readable or writable):
        return f"line {use.line} uses `{use.name}`, which it does not declare; add it to reads=[...] or effects=[...]"
    return None


def _misspelt(cls: type, use: Use, declaration: Declaration) -> str | None:
    """A name that nothing in the class provides, used like a port and close to the name of one."""
    if use.mode == "uses" or hasattr(cls, use.name) or use.name in declaration.parameters:
        return None
    hint = did_you_mean(use.name, declaration.elements)
    if use.name in _assigned_names(cls):
        return None
    return f"line {use.line}: `{use.name}` is no port of {cls.__name__}; {hint}" if hint.startswith("did") else None


def _assigned_names(cls: type) -> set[str]:
    """The attributes that methods of the class assign on anything."""
    functions = (v for base in cls.__mro__ if base is not Reactor for v in vars(base).values() if inspect.isfunction(v))
    return {name for function in functions for name in _stored_names(function.__code__)}


@functools.lru_cache(maxsize=4096)
def _stored_names(code: CodeType) -> frozenset[str]:
    return frozenset(str(i.argval) for i in dis.get_instructions(code) if i.opname == "STORE_ATTR")
