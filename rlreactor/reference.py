"""Topologies by name: `package.module:Class` or `path/to/file.py:Class`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from rlreactor.errors import ReactorError, TopologyError, did_you_mean
from rlreactor.parameter import validated
from rlreactor.reactor import Reactor
from rlreactor.user_code import user_code

__all__ = ["ReferenceProblem", "find", "load", "prefer"]


class ReferenceProblem(ReactorError):
    """A name that leads to no topology."""


def load(reference: str, parameters: Mapping[str, Any]) -> Reactor:
    """An instance of the class that is named, its parameters from a file. Raises also UserCodeError, TopologyError."""
    found = find(reference)
    values, violations = validated(found.__name__, found._declaration.parameters, parameters, strict=False)
    if violations:
        raise TopologyError(violations)
    with user_code(f"{reference} cannot be made"):
        return found(**values)


def find(reference: str) -> type[Reactor]:
    """The class that is named. Raises ReferenceProblem or UserCodeError."""
    where, _, name = reference.rpartition(":")
    if not (where and name):
        raise ReferenceProblem(
            f"expected MODULE:CLASS, received {reference!r}; for example my_package.my_module:Train or train.py:Train"
        )
    module = _load_file(Path(where)) if where.endswith(".py") else _load_module(where)
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if not (isinstance(found, type) and issubclass(found, Reactor)):
        raise ReferenceProblem(_not_a_reactor(where, name, module, found))
    return found


def _not_a_reactor(where: str, name: str, module: ModuleType, found: Any) -> str:
    if found is not None:
        return f"{where}:{name} is {found!r}; expected a class derived from rlreactor.Reactor"
    known = [n for n, v in vars(module).items() if isinstance(v, type) and issubclass(v, Reactor) and v is not Reactor]
    return f"{where} has no class {name!r}; {did_you_mean(name, known)}"


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ReferenceProblem(f"{path}: no such file; looked for {path.absolute()}")
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
