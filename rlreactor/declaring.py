"""Reads a reactor class: parameters, elements, state and reactions, and every rule that they break, at once."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any

from rlreactor.declaration import Declaration, ReactionSignature, ReactorType, root_of
from rlreactor.dynamic import is_a
from rlreactor.errors import TopologyError
from rlreactor.lifecycle import Lifecycle
from rlreactor.parameter import MISSING, Parameter
from rlreactor.port import Element
from rlreactor.reactions import ReactionDeclaration
from rlreactor.source import Location
from rlreactor.state_field import StateField
from rlreactor.undeclared import undeclared

__all__ = ["declare"]

_MEANT_TO_BE_OVERRIDDEN = {"compose", "to_snapshot", "from_snapshot"}


def declare(cls: ReactorType) -> Declaration:
    """What a class declares, with what its bases do. Raises TopologyError with every rule that it breaks."""
    violations: list[str] = []
    inherited = [b._declaration for b in reversed(cls.__mro__[1:]) if isinstance(b, ReactorType)]
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
        violations += undeclared(cls, signature, declaration)
    if violations:
        raise TopologyError(dict.fromkeys(violations))
    return declaration


def _declare_own(cls: ReactorType, declaration: Declaration, violations: list[str]) -> None:
    namespace, reserved = _enclosing_names(cls), _reserved(cls)
    annotations = inspect.get_annotations(cls)
    if "__init__" in vars(cls):
        violations.append(
            f"{cls.__name__}.__init__: a reactor has no constructor of its own; annotate attributes to make them "
            "parameters, and make what it contains in compose()"
        )
    for name in annotations:
        if name in reserved and name not in vars(cls):
            violations.append(f"{cls.__name__}.{name}: this name belongs to Reactor; choose another")
    for name, value in vars(cls).items():
        overrides = name in _MEANT_TO_BE_OVERRIDDEN and is_a(value, FunctionType)
        if name in reserved and not overrides and not name.startswith("_"):
            violations.append(f"{cls.__name__}.{name}: this name belongs to Reactor; choose another")
        if isinstance(value, Element):
            declaration.elements[name] = value
        elif isinstance(value, StateField):
            declaration.states[name] = value
        elif isinstance(type(value), ReactorType):
            declaration.templates[name] = value
        elif name in declaration.parameters and name not in annotations:
            declaration.parameters[name] = declaration.parameters[name]._replace(default=value)
    for name, annotation in annotations.items():
        if _is_parameter(cls, name, annotation):
            default = vars(cls).get(name, MISSING)
            declaration.parameters[name] = Parameter(name, annotation, default, namespace, cls.__module__)


def _reserved(cls: ReactorType) -> set[str]:
    """The names that the class of all reactors has."""
    return {name for name in vars(root_of(cls)) if not name.startswith("__")}


def _is_parameter(cls: type, name: str, annotation: Any) -> bool:
    if name.startswith("_") or "ClassVar" in str(annotation):
        return False
    value = vars(cls).get(name)
    return not isinstance(value, Element | StateField) and not isinstance(type(value), ReactorType)


def _enclosing_names(cls: type) -> Mapping[str, Any]:
    """Local names that annotations of a class inside a function may use."""
    if "<locals>" not in cls.__qualname__:
        return {}
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__") != cls.__module__:
        frame = frame.f_back
    return dict(frame.f_locals)


def _signature(cls: ReactorType, name: str, declaration: Declaration, violations: list[str]) -> ReactionSignature:
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
    cls: ReactorType, owner: str, given: Any, declaration: Declaration, where: Location, violations: list[str]
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


def _element_path(cls: ReactorType, owner: str, element: Element, declaration: Declaration) -> str:
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
