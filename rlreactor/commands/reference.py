"""Topologies by name: `package.module:Class` or `path/to/file.py:Class`, with parameters as `name=value`."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

from pydantic import Field

from rlreactor.commands.failure import UsageError, user_code
from rlreactor.commands.options import CommandOptions, Shown
from rlreactor.errors import TopologyError, did_you_mean
from rlreactor.parameter import validated
from rlreactor.reactor import Reactor

__all__ = ["TopologyOptions", "assignments", "load_topology"]


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


def load_topology(reference: str, parameters: Iterable[str] = ()) -> Reactor:
    """An instance of the class that is named. Raises UsageError, UserCodeError or TopologyError."""
    found = _find(reference)
    given = assignments("--set", parameters)
    values, violations = validated(found.__name__, found._declaration.parameters, given, strict=False)  # pyright: ignore[reportPrivateUsage]
    if violations:
        raise TopologyError(violations)
    with user_code(f"{reference} cannot be made"):
        return found(**values)


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


def _find(reference: str) -> type[Reactor]:
    where, _, name = reference.rpartition(":")
    if not (where and name):
        raise UsageError(
            f"expected MODULE:CLASS, received {reference!r}; for example my_package.my_module:Train or train.py:Train"
        )
    module = _load_file(Path(where)) if where.endswith(".py") else _load_module(where)
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if not (isinstance(found, type) and issubclass(found, Reactor)):
        raise UsageError(_not_a_reactor(where, name, module, found))
    return found


def _not_a_reactor(where: str, name: str, module: ModuleType, found: Any) -> str:
    if found is not None:
        return f"{where}:{name} is {found!r}; expected a class derived from rlreactor.Reactor"
    known = [n for n, v in vars(module).items() if isinstance(v, type) and issubclass(v, Reactor) and v is not Reactor]
    return f"{where} has no class {name!r}; {did_you_mean(name, known)}"


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    prefer(path.resolve().parent)
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[path.stem] = module
    with user_code(f"{path} cannot be imported"):
        specification.loader.exec_module(module)
    return module


def _load_module(name: str) -> ModuleType:
    prefer(Path.cwd())
    with user_code(f"module {name!r} cannot be imported"):
        return importlib.import_module(name)


def prefer(folder: Path) -> None:
    """Let modules in `folder` be found, as `python file.py` and `python -m module` do."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
