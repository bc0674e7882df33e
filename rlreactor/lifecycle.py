"""`startup` and `shutdown`: the first and the last thing that happens in a run."""

from __future__ import annotations

from rlreactor.port import Element

__all__ = ["Lifecycle", "shutdown", "startup"]


class Lifecycle(Element):
    """A trigger that every reactor has. As an effect, `shutdown` allows a reaction to stop the program."""

    kind = "lifecycle"

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


startup = Lifecycle("startup")
"""Fires once, at tag (0, 0)."""

shutdown = Lifecycle("shutdown")
"""Fires once, at the last tag."""
