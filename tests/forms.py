"""Modules that exist twice, in C and as they stand: both have to pass the same tests."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import rlreactor

__all__ = ["FORMS", "form_of"]

FORMS = ("in C", "as it stands")
_PACKAGE = Path(rlreactor.__file__).parent


def form_of(module: str, form: str) -> Any:
    """One form of the module `module`, a path below the package such as "links/records"; skips where there is none."""
    return _in_c(module) if form == "in C" else _as_it_stands(module)


def _in_c(module: str) -> ModuleType:
    if not any((_PACKAGE / f"{module}{suffix}").exists() for suffix in EXTENSION_SUFFIXES):
        pytest.skip("it is not compiled: `make engine`")
    found = importlib.import_module(f"rlreactor.{module.replace('/', '.')}")
    if str(found.__file__).endswith(".py"):
        pytest.skip("this engine runs as it stands")
    return found


def _as_it_stands(module: str) -> ModuleType:
    name = f"{__name__}.{module.replace('/', '_')}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, _PACKAGE / f"{module}.py")
        assert spec is not None
        assert spec.loader is not None
        made = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(made)
    return sys.modules[name]
