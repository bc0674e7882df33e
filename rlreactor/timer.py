"""Timers: events at fixed points of logical time."""

from __future__ import annotations

from rlreactor.mode import Mode
from rlreactor.port import Element

__all__ = ["Timer"]


class Timer(Element):
    """Fires at `offset`, `offset + period`, ...; without a period once.

    Args:
        offset: ns after the start, or the name of a parameter that holds it; 0 fires together with `startup`.
        period: ns between firings, or the name of a parameter; None or 0 fires once.
        mode: the mode of the reactor that it belongs to; its time stands still while that is inactive.
    """

    kind = "timer"

    def __init__(self, offset: int | str = 0, period: int | str | None = None, *, mode: Mode | None = None) -> None:
        super().__init__()
        self.mode = mode
        self.offset = offset
        self.period = period or None
