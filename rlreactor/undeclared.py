"""Elements that a reaction uses without having declared them, as its code shows when the class is made."""

from __future__ import annotations

import dis
import functools
import inspect
from types import CodeType
from typing import NamedTuple

from rlreactor.declaration import Declaration, ReactionSignature, ReactorType, root_of
from rlreactor.errors import did_you_mean
from rlreactor.lifecycle import Lifecycle, shutdown
from rlreactor.physical_action import PhysicalAction
from rlreactor.port import Output
from rlreactor.timer import Timer
from rlreactor.usage import Use, uses

__all__ = ["undeclared"]


def undeclared(cls: ReactorType, signature: ReactionSignature, declaration: Declaration) -> list[str]:
    """What a reaction of the class does with elements that it does not declare, line by line."""
    violations: list[str] = []
    declared = _declared_names(signature)
    for method in filter(None, (signature.name, signature.late)):
        for use in uses(getattr(cls, method, None) or (lambda: None), cls):
            problem = _usage_problem(cls, use, declared, declaration)
            if problem:
                violations.append(f"reaction {cls.__name__}.{signature.name} ({signature.where}): {problem}")
    return violations


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


def _usage_problem(cls: ReactorType, use: Use, declared: _Declared, declaration: Declaration) -> str | None:
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


def _misspelt(cls: ReactorType, use: Use, declaration: Declaration) -> str | None:
    """A name that nothing in the class provides, used like a port and close to the name of one."""
    if use.mode == "uses" or hasattr(cls, use.name) or use.name in declaration.parameters:
        return None
    hint = did_you_mean(use.name, declaration.elements)
    if use.name in _assigned_names(cls):
        return None
    return f"line {use.line}: `{use.name}` is no port of {cls.__name__}; {hint}" if hint.startswith("did") else None


def _assigned_names(cls: ReactorType) -> set[str]:
    """The attributes that methods of the class assign on anything."""
    bases = [base for base in cls.__mro__ if base is not root_of(cls)]
    functions = (value for base in bases for value in vars(base).values() if inspect.isfunction(value))
    return {name for function in functions for name in _stored_names(function.__code__)}


@functools.lru_cache(maxsize=4096)
def _stored_names(code: CodeType) -> frozenset[str]:
    return frozenset(str(i.argval) for i in dis.get_instructions(code) if i.opname == "STORE_ATTR")
