"""What the JSON files of the results say, in the form that tables, pages and plots need."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard, cast

from bench.measure import Spread

__all__ = ["Comparison", "Finding", "Loss", "Section", "load"]

Json = Mapping[str, Any]


class Comparison(NamedTuple):
    """How many times better one of ours is than one of theirs."""

    ours: str
    theirs: str
    ratio: Spread


class Loss(NamedTuple):
    """Where we are worse than somebody else, or than we should be."""

    experiment: str
    what: str
    measured: str
    reason: str


class Section(NamedTuple):
    """Contestants that were measured together, and who is missing for which reason."""

    title: str
    figures: dict[str, dict[str, Spread]]
    missing: dict[str, str]


class Finding:
    """One result."""

    def __init__(self, result: Json) -> None:
        self.result = result
        self.name: str = result["experiment"]
        self.targets: list[Json] = result["targets"]
        self.reasons: Mapping[str, str] = result.get("reasons", {})
        self.interrupted: str = result.get("interrupted", "")

    @property
    def comparisons(self) -> list[Comparison]:
        """Everybody of ours with everybody of theirs."""
        against: Mapping[str, Json] = self.result.get("against", {})
        return [
            Comparison(ours, name, _spread(ratio)) for ours, theirs in against.items() for name, ratio in theirs.items()
        ]

    @property
    def shares(self) -> dict[str, Spread]:
        """What share of the physical limit somebody reached."""
        return {name: _spread(share) for name, share in self.result.get("shares", {}).items()}

    @property
    def losses(self) -> list[Loss]:
        """Comparisons that we lose."""
        return [
            Loss(self.name, what, brackets(one.ratio), self._reason_of(what))
            for one in self.comparisons
            if one.ratio.median < 1
            for what in [f"{one.ours}, times as good as {one.theirs}"]
        ]

    @property
    def misses(self) -> list[Loss]:
        """Targets that do not hold."""
        return [
            Loss(self.name, f"{what}, should be {bound(one)}", number(one["measured"]), self._reason_of(what))
            for one in self.targets
            if not one["holds"]
            for what in [one["what"]]
        ]

    def _reason_of(self, what: str) -> str:
        """Why, as far as it is known of just that: of the whole, or of its setting and whoever it is compared with."""
        if what in self.reasons:
            return self.reasons[what]
        parts = {key: re.split(r"[:,] (?=[^:,]*$)", key) for key in self.reasons}
        own = [key for key, names in parts.items() if what.startswith(names[0]) and names[-1] in what]
        return "; ".join(self.reasons[key] for key in own)

    @property
    def sections(self) -> list[Section]:
        """What was measured of whom, in the order of the file."""
        return list(_sections("", self.result["measured"]))

    @property
    def missing(self) -> dict[str, str]:
        """Who could not take part, and why."""
        return {name: reason for section in self.sections for name, reason in section.missing.items()}


def load(results: Path) -> list[Finding]:
    """The results in a folder, by name."""
    return [Finding(json.loads(file.read_text())) for file in sorted(results.glob("*.json"))]


def number(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def brackets(spread: Spread) -> str:
    """`median [minimum, maximum]`."""
    return f"{number(spread.median)} [{number(spread.minimum)}, {number(spread.maximum)}]"


def bound(target: Json) -> str:
    """`≥ 3`."""
    return f"{'≥' if target['at_least'] else '≤'} {target['threshold']:g}"


def _sections(title: str, measured: Json) -> Iterator[Section]:
    contestants: Mapping[str, Json] = measured.get("contestants", {})
    missing: dict[str, str] = measured.get("missing", {})
    if contestants or missing:
        figures = {name: {figure: _spread(one) for figure, one in found.items()} for name, found in contestants.items()}
        yield Section(title, figures, missing)
    for name, inner in measured.items():
        if name not in ("contestants", "missing") and _is_object(inner):
            yield from _sections(name, inner)


def _is_object(value: object) -> TypeGuard[Json]:
    return isinstance(value, dict)


def _spread(summary: Json) -> Spread:
    return Spread(*(cast("float", summary[name]) for name in Spread._fields))
