"""Amounts as people write them in a spec: `64 GiB`, `100 ms`, `47600-48623`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from rlreactor.links.window import largest_window, smallest_window

__all__ = ["Duration", "PortRange", "Size", "Window"]

_SIZES = {
    "": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 1 << 10, "MiB": 1 << 20,
    "GiB": 1 << 30, "TiB": 1 << 40,
}  # fmt: skip
_TIMES = {"": 1, "ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "sec": 10**9}
_AMOUNT = re.compile(r"(\d{1,18})(?:\.(\d{1,9}))?\s*([A-Za-zµ]*)")
_RANGE = re.compile(r"(\d{1,5})-(\d{1,5})")
_LARGEST = 2**63 - 1  # bytes, or nanoseconds
_LAST_PORT = 65535


def _size(value: Any) -> int:
    return _amount(value, _SIZES, 'a size such as "64 GiB" or "512 MB", or bytes as an int of 1 or more', 1)


def _window(value: Any) -> int:
    return _amount(value, _SIZES, 'a size from "4 KiB" to "1 GiB", such as "128 KiB"', smallest_window, largest_window)


def _duration(value: Any) -> int:
    return _amount(value, _TIMES, 'a time such as "100 ms" or "2 s", or nanoseconds as an int of 0 or more', 0)


def _amount(value: Any, units: dict[str, int], expected: str, least: int, most: int = _LARGEST) -> int:
    amount = _parsed(value, units) if isinstance(value, str) else value
    if type(amount) is not int or not least <= amount <= most:
        raise _unexpected(expected)
    return amount


def _parsed(text: str, units: dict[str, int]) -> int | None:
    """Exactly, without floating point."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or found[3] not in units:
        return None
    whole, fraction, unit = int(found[1]), str(found[2] or ""), units[found[3]]
    return whole * unit + int(fraction or 0) * unit // int("1" + "0" * len(fraction))


def _ports(value: Any) -> tuple[int, int]:
    pair = "-".join(map(str, cast(Sequence[object], value))) if isinstance(value, list | tuple) else value
    found = _RANGE.fullmatch(pair) if isinstance(pair, str) else None
    first, last = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= first <= last <= _LAST_PORT:
        raise _unexpected('a range of TCP ports such as "47600-48623", its first not above its last, all in 1-65535')
    return first, last


def _unexpected(expected: str) -> PydanticCustomError:
    return PydanticCustomError("unexpected", "expected {expected}", {"expected": expected})


def _written(pattern: str, otherwise: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"type": "string", "pattern": pattern}, otherwise]})


Size = Annotated[
    int,
    BeforeValidator(_size),
    _written(r"^\d+(\.\d+)?\s*([KMGT]i?)?B$", {"type": "integer", "minimum": 1}),
]
"""Bytes."""

Window = Annotated[
    int,
    BeforeValidator(_window),
    _written(
        r"^\d+(\.\d+)?\s*([KMG]i?)?B$", {"type": "integer", "minimum": smallest_window, "maximum": largest_window}
    ),
]
"""Bytes of a link."""

Duration = Annotated[
    int,
    BeforeValidator(_duration),
    _written(r"^\d+(\.\d+)?\s*(ns|us|µs|ms|s|sec)$", {"type": "integer", "minimum": 0}),
]
"""Nanoseconds of logical time."""

PortRange = Annotated[
    tuple[int, int],
    BeforeValidator(_ports),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,5}-\d{1,5}$"}),
]
"""First and last."""
