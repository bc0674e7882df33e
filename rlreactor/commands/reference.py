"""Topologies by name: `package.module:Class` or `path/to/file.py:Class`, with parameters as `name=value`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field

from rlreactor.commands.failure import UsageError
from rlreactor.commands.options import CommandOptions, Shown
from rlreactor.reactor import Reactor
from rlreactor.reference import ReferenceProblem, load

__all__ = ["TopologyOptions", "assignments", "is_spec", "load_topology"]

_SPECS = (".yaml", ".yml", ".toml", ".json")


class TopologyOptions(CommandOptions):
    """Which topology."""

    topology: Annotated[str, Shown(metavar="MODULE:CLASS", positional=True)] = Field(
        description="The topology's class: package.module:Class or path/to/file.py:Class."
    )
    parameters: Annotated[tuple[str, ...], Shown(name="set", metavar="NAME=VALUE", repeated=True)] = Field(
        default=(), description="A parameter of the topology; the value is JSON, or else taken as text."
    )

    def load(self) -> Reactor:
        """An instance of the topology."""
        return load_topology(self.topology, self.parameters)


def is_spec(reference: str) -> bool:
    """Whether it is a file that holds a deployment, instead of `MODULE:CLASS`."""
    return reference.endswith(_SPECS)


def load_topology(reference: str, parameters: Iterable[str] = ()) -> Reactor:
    """An instance of the class that is named. Raises UsageError, UserCodeError or TopologyError."""
    try:
        return load(reference, assignments("--set", parameters))
    except ReferenceProblem as problem:
        raise UsageError(str(problem)) from None


def assignments(option: str, texts: Iterable[str]) -> dict[str, Any]:
    """{"lanes": 4, "name": "x"} out of ["lanes=4", "name=x"]. Raises UsageError."""
    return dict(_assignment(option, text) for text in texts)


def _assignment(option: str, text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise UsageError(f"{option}: expected NAME=VALUE, received {text!r}")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value
