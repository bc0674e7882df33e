"""Numbers with the unit that suits their size."""

from __future__ import annotations

from rlreactor.tag import Delay

__all__ = ["bytes_text", "delay_text", "duration_text", "number_text", "seconds_text"]

_BYTES = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
_NANOSECONDS = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs"))


def bytes_text(count: int) -> str:
    """`12 B`, `4 KiB`, `1.5 MiB`."""
    for size, unit in _BYTES:
        if count >= size:
            return f"{_short(count / size)} {unit}"
    return f"{count} B"


def duration_text(nanoseconds: int) -> str:
    """`1 ms`, `1.5 s`, `3 ns`."""
    for size, unit in _NANOSECONDS:
        if nanoseconds >= size:
            return f"{_short(nanoseconds / size)} {unit}"
    return f"{nanoseconds} ns"


def seconds_text(seconds: float) -> str:
    """A measured time: `1.25 ms`."""
    return duration_text(round(seconds * 1e9))


def number_text(amount: float) -> str:
    """Three digits or whole numbers: `0.123`, `4.56`, `78.9`, `12,345`."""
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:.3g}"


def _short(amount: float) -> str:
    return f"{amount:.2f}".rstrip("0").rstrip(".")


def delay_text(delay: Delay) -> str:
    """`1 ms`, `2 microsteps`; nothing for no delay."""
    parts = [duration_text(delay.time)] if delay.time else []
    if delay.microsteps:
        parts.append(f"{delay.microsteps} microstep{'s' * (delay.microsteps > 1)}")
    return " + ".join(parts)
