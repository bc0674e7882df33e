"""Paths of reactors for people: `actors[0…7]` instead of eight names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Run", "bank_of", "runs", "shortened"]

_INDEX = re.compile(r"\[\d+\]")
_LAST_INDEX = re.compile(r"(.*)\[(\d+)\]([^\[\]]*)")


def bank_of(path: str) -> str:
    """What the members of a bank have in common: `groups[2].env` belongs to `groups[].env`."""
    return _INDEX.sub("[]", path)


class Run(NamedTuple):
    """One path, or neighbours of a bank: `before[first…last]after`."""

    before: str
    first: int = 0
    last: int = 0
    after: str | None = None  # None: one path without any index, `before`

    @property
    def size(self) -> int:
        """How many paths it stands for."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        if self.after is None:
            return self.before
        between = "," if self.size == 2 else "…"
        indices = f"{self.first}{between}{self.last}" if self.size > 1 else f"{self.first}"
        return f"{self.before}[{indices}]{self.after}"


def runs(paths: Iterable[str]) -> list[Run]:
    """The paths in order, neighbours of a bank joined, also where other banks come between."""
    found: list[Run] = []
    latest: dict[tuple[str, str | None], int] = {}
    for run in map(_run, paths):
        bank = (run.before, run.after)
        at = latest.get(bank, -1)
        if at >= 0 and run.after is not None and found[at].last == run.first - 1:
            found[at] = found[at]._replace(last=run.last)
        else:
            latest[bank] = len(found)
            found.append(run)
    return found


def shortened(paths: Iterable[str]) -> list[str]:
    """The same as text."""
    return [str(run) for run in runs(paths)]


def _run(path: str) -> Run:
    match = _LAST_INDEX.fullmatch(path)
    return Run(match[1], int(match[2]), int(match[2]), match[3]) if match else Run(path)
