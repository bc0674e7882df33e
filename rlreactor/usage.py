"""Which of its reactor's elements a method uses, found in its code when the class is made.

A reaction may touch only what it declared. Most violations are visible in the code of the method and of the methods
it calls on `self`; the rest is caught by the ports themselves when it happens.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from rlreactor.dynamic import is_a

__all__ = ["Use", "uses"]

_READS = {"value", "present"}
_WRITES = {"set", "empty", "schedule", "enter"}


class Use(NamedTuple):
    """One mention of `self.<name>` and what is done with it."""

    name: str
    mode: str  # "reads", "writes" or "uses" (handed on, iterated, indexed: either may follow)
    line: int


def uses(function: Callable[..., Any], owner: type) -> list[Use]:
    """Every use of an attribute of `self` in `function` and, through them, in the methods it calls on `self`."""
    found: list[Use] = []
    seen: set[CodeType] = set()
    _collect(function, owner, found, seen)
    return found


def _collect(function: Any, owner: type, found: list[Use], seen: set[CodeType]) -> None:
    code: CodeType | None = getattr(function, "__code__", None)
    if code is None or code in seen or not code.co_varnames:
        return
    seen.add(code)
    for use in _uses_in(code, code.co_varnames[0]):
        found.append(use)
        helper = getattr(owner, use.name, None)
        if isinstance(helper, property):
            helper = helper.fget
        if isinstance(helper, FunctionType) and not hasattr(helper, "__reaction__"):
            _collect(helper, owner, found, seen)


def _uses_in(code: CodeType, self_name: str) -> Iterator[Use]:
    instructions = [i for i in dis.get_instructions(code) if i.opname != "CACHE"]
    line = code.co_firstlineno
    for position, instruction in enumerate(instructions):
        line = _line(instruction) or line
        if _loads(instruction, self_name):
            attributes = _attributes(instructions[position + 1 : position + 3])
            if attributes:
                yield Use(attributes[0], _mode(attributes[1:]), line)
    for constant in code.co_consts:
        if isinstance(constant, CodeType) and self_name in constant.co_freevars:
            yield from _uses_in(constant, self_name)


def _line(instruction: dis.Instruction) -> int | None:
    positions = instruction.positions
    return positions.lineno if positions is not None else None


def _loads(instruction: dis.Instruction, name: str) -> bool:
    if not instruction.opname.startswith(("LOAD_FAST", "LOAD_DEREF")):
        return False
    loaded = instruction.argval
    return bool(loaded == name or (is_a(loaded, tuple) and loaded[-1] == name))


def _attributes(following: list[dis.Instruction]) -> list[str]:
    names: list[str] = []
    for instruction in following:
        if instruction.opname not in ("LOAD_ATTR", "LOAD_METHOD"):
            break
        names.append(str(instruction.argval))
    return names


def _mode(attributes: list[str]) -> str:
    if attributes and attributes[0] in _READS:
        return "reads"
    if attributes and attributes[0] in _WRITES:
        return "writes"
    return "uses"
