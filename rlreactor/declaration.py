"""What a reactor class declares, and the class of reactor classes, which keeps it."""

from __future__ import annotations

from abc import ABCMeta
from typing import TYPE_CHECKING, Any, NamedTuple

from rlreactor.lifecycle import Lifecycle
from rlreactor.parameter import MISSING, Parameter
from rlreactor.port import Element
from rlreactor.source import Location
from rlreactor.state_field import StateField

if TYPE_CHECKING:
    from rlreactor.reactor import Reactor

__all__ = ["Declaration", "ReactionSignature", "ReactorType", "root_of"]


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


def root_of(cls: ReactorType) -> type:
    """The class of all reactors, in which nothing is declared."""
    return [base for base in cls.__mro__ if isinstance(base, ReactorType)][-1]
