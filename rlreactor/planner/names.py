"""Paths of reactors for people: `actors[0…7]` instead of eight names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["bank_of", "shortened"]

_INDEX = re.compile(r"\[\d+\]")
_LAST_INDEX = re.compile(r"(.*)\[(\d+)\]([^\[\]]*)")


def bank_of(path: str) -> str:
    """What the members of a bank have in common: `groups[2].env` belongs to `groups[].env`."""
    return _INDEX.sub("[]", path)


class _Run(NamedTuple):
    """Members of one bank with neighbouring indices, `before[first…last]after`."""

    before: str
    after: str
    first: int
    last: int

    def __str__(self) -> str:
        between = "," if self.last == self.first + 1 else "…"
        indices = f"{self.first}{between}{self.last}" if self.last > self.first else f"{self.first}"
        return f"{self.before}[{indices}]{self.after}"


def shortened(paths: Iterable[str]) -> list[str]:
    """The paths in order, neighbours of a bank joined."""
    runs: list[_Run | str] = []
    open_runs: dict[tuple[str, str], int] = {}
    for path in paths:
        match = _LAST_INDEX.fullmatch(path)
        if match is None:
            runs.append(path)
            continue
        before, index, after = match[1], int(match[2]), match[3]
        at = open_runs.get((before, after))
        run = runs[at] if at is not None else None
        if at is not None and isinstance(run, _Run) and run.last == index - 1:
            runs[at] = run._replace(last=index)
        else:
            open_runs[before, after] = len(runs)
            runs.append(_Run(before, after, index, index))
    return [str(run) for run in runs]
