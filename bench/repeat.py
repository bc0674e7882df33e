"""Whether a second run found the same: every ratio of two folders of results, and by how much it changed.

`rlreactor bench --quick --results FIRST`, the same with SECOND, then `python -m bench.repeat FIRST SECOND`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from bench.findings import Finding, load, number

__all__ = ["LIMIT", "WITHIN", "Repeat", "changes", "only_once"]

WITHIN = 0.25
LIMIT = "the physical limit"


class Ratio(NamedTuple):
    """What is compared: ours with an opponent, or with the physical limit."""

    experiment: str
    ours: str
    theirs: str


class Repeat(NamedTuple):
    """One ratio, measured twice: both medians."""

    ratio: Ratio
    first: float
    second: float

    @property
    def change(self) -> float:
        """From the first to the second, as a part of the first."""
        return self.second / self.first - 1

    def within(self, part: float) -> bool:
        return abs(self.change) <= part


def ratios(findings: Sequence[Finding]) -> dict[Ratio, float]:
    """The medians of all ratios to opponents and shares of the limit."""
    found: dict[Ratio, float] = {}
    for one in findings:
        found |= {Ratio(one.name, pair.ours, pair.theirs): pair.ratio.median for pair in one.comparisons}
        found |= {Ratio(one.name, ours, LIMIT): share.median for ours, share in one.shares.items()}
    return found


def changes(first: Mapping[Ratio, float], second: Mapping[Ratio, float]) -> list[Repeat]:
    """Of everything that both have."""
    return [Repeat(ratio, value, second[ratio]) for ratio, value in first.items() if ratio in second]


def only_once(first: Mapping[Ratio, float], second: Mapping[Ratio, float]) -> list[Ratio]:
    """What one of them lacks: an opponent was missing, or another form of ours was the better one."""
    return [ratio for ratio in {**first, **second} if (ratio in first) != (ratio in second)]


def table(repeats: Sequence[Repeat], lacking: Sequence[Ratio], part: float) -> Table:
    """A row for every ratio."""
    shown = Table("experiment", "ours", "against", "first", "second", "change", "")
    for repeat in repeats:
        figures = number(repeat.first), number(repeat.second), f"{repeat.change:+.0%}"
        shown.add_row(*repeat.ratio, *figures, "" if repeat.within(part) else "MISS")
    for ratio in lacking:
        shown.add_row(*ratio, "", "", "", "only once")
    return shown


def told(what: str, repeats: Sequence[Repeat], part: float) -> str:
    """How many of these are within the bound."""
    return f"{what}: {sum(repeat.within(part) for repeat in repeats)} of {len(repeats)} within {part:.0%}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=Path, help="a folder of results")
    parser.add_argument("second", type=Path, help="another one")
    parser.add_argument("--within", type=float, default=WITHIN, help="part of the first by which a ratio may change")
    options = parser.parse_args()
    first, second = ratios(load(options.first)), ratios(load(options.second))
    if not (first and second):
        empty = options.second if first else options.first
        raise SystemExit(f"{empty} has no ratios: rlreactor bench --quick --results {empty} makes some")
    repeats, lacking = changes(first, second), only_once(first, second)
    opponents = [repeat for repeat in repeats if repeat.ratio.theirs != LIMIT]
    shares = [repeat for repeat in repeats if repeat.ratio.theirs == LIMIT]
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    console.print(table(repeats, lacking, options.within))
    console.print(told("ratios to opponents", opponents, options.within))
    console.print(told("shares of the physical limit", shares, options.within))
    console.print(f"found in one folder only: {len(lacking)}")
    return int(not all(repeat.within(options.within) for repeat in repeats))


if __name__ == "__main__":
    sys.exit(main())
