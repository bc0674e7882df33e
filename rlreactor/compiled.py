"""Which form of the engine's inner modules runs: compiled, as set-up makes it where it can, or as they stand.

Both do the same; the compiled one takes less than half the time between two reactions. Most of it is made from the
modules as they stand; what reactions go through all the time is written in C as well (`access.c` beside `access.py`).
`RLREACTOR_ENGINE=interpreted` chooses the modules as they stand: for a debugger or a profiler, and for tests that plant
bugs in them. So does a checkout whose modules were changed after they had been compiled.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType

__all__ = ["ENGINE", "choose", "engine"]

ENGINE = "RLREACTOR_ENGINE"
"""Environment variable: "interpreted" leaves what is compiled aside. Set-up then compiles nothing."""

_HERE = Path(__file__).parent


class _AsTheyStand:
    """Finds the modules of this package by their sources."""

    def __init__(self) -> None:
        self._finders: dict[str, FileFinder] = {}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is None or not name.startswith("rlreactor."):
            return None
        found = (self._finder(folder).find_spec(name) for folder in path)
        return next((spec for spec in found if spec is not None), None)

    def _finder(self, folder: str) -> FileFinder:
        return self._finders.setdefault(folder, FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES)))


def choose() -> None:
    """Leave what is compiled aside if that is asked for, or if it is older than its sources."""
    setting = os.environ.get(ENGINE, "compiled")
    if setting not in ("compiled", "interpreted"):
        raise ImportError(f"{ENGINE}={setting}: expected compiled or interpreted")
    changed = _changed() if setting == "compiled" else None
    if changed is not None:
        warnings.warn(
            f"{changed} was changed after it had been compiled: the engine runs interpreted, in twice the time. "
            f"`make engine` compiles it; {ENGINE}=interpreted does without, and without this warning",
            RuntimeWarning,
            stacklevel=2,
        )
    if setting == "interpreted" or changed is not None:
        sys.meta_path.insert(0, _AsTheyStand())


def engine() -> str:
    """The form that runs: "compiled" or "interpreted"."""
    from rlreactor.links import words

    return "compiled" if str(words.__file__).endswith(tuple(EXTENSION_SUFFIXES)) else "interpreted"


def _changed() -> Path | None:
    """In a checkout, a module that was changed after it had been compiled."""
    if not (_HERE.parent / "setup.py").exists():
        return None
    headers = [*_HERE.glob("*.h"), *_HERE.glob("*/*.h")]
    for compiled in (*_HERE.glob(f"*{EXTENSION_SUFFIXES[0]}"), *_HERE.glob(f"*/*{EXTENSION_SUFFIXES[0]}")):
        name = compiled.name.removesuffix(EXTENSION_SUFFIXES[0])
        source, in_c = compiled.with_name(f"{name}.py"), compiled.with_name(f"{name}.c")
        if not source.exists():
            return source
        sources = [source, in_c, *headers] if in_c.exists() else [source]
        newest = max(sources, key=lambda file: file.stat().st_mtime)
        if newest.stat().st_mtime > compiled.stat().st_mtime:
            return newest
    return None
