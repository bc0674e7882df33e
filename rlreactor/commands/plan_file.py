"""Plans in files."""

from __future__ import annotations

from pathlib import Path

from rlreactor.observe.files import FileError
from rlreactor.planner.plan import Plan

__all__ = ["read_plan"]


def read_plan(path: Path) -> Plan:
    """The plan that `rlreactor plan --output` wrote. Raises FileError or PlanError."""
    try:
        return Plan.from_yaml(path.read_text())
    except OSError as error:
        raise FileError(
            f"{path} cannot be read: {error.strerror}; `rlreactor plan --output` writes such files"
        ) from None
