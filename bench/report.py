"""What an experiment found: a table in the terminal and a JSON file, both from the same values."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from bench.interruption import INTERRUPTION, deaf
from bench.machine import ROOT, describe
from rlreactor.observe.files import write_atomically

__all__ = ["FOLDER", "RESULTS", "Report", "Target", "explained", "progress"]

FOLDER = "BENCH_RESULTS"
"""Environment variable that names another folder for the results."""
RESULTS = Path(os.environ.get(FOLDER) or ROOT / "bench" / "results")
_errors = Console(stderr=True, highlight=False)


class Target(NamedTuple):
    """A figure that must hold."""

    what: str
    threshold: float
    measured: float
    at_least: bool = True
    """Whether the threshold is the least that will do, not the most."""

    @property
    def holds(self) -> bool:
        return self.measured >= self.threshold if self.at_least else self.measured <= self.threshold

    def as_json(self) -> dict[str, Any]:
        return {**self._asdict(), "holds": self.holds}


def explained(*reasons: Mapping[str, str]) -> dict[str, str]:
    """All of several reasons, each for what it explains."""
    return {what: why for found in reasons for what, why in found.items()}


@dataclass
class Report:
    """The outcome of one experiment."""

    name: str
    settings: Mapping[str, Any]
    measured: Mapping[str, Any]
    """Everything that was measured, as plain data."""
    targets: list[Target] = field(default_factory=list[Target])
    against: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """How many times better each of ours is than each of theirs, as `bench.measure.summary`; below 1 it is worse."""
    shares: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What share of the physical limit each of ours reached, as `bench.measure.summary`."""
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])
    """Why we are worse, where we are and it is known: for a target, or for `setting, opponent`."""

    def as_json(self, arguments: Sequence[str]) -> dict[str, Any]:
        """What is written down; `arguments` are the command's."""
        found = {
            "experiment": self.name,
            "command": " ".join(["python -m", f"bench.{self.name}", *arguments]),
            "machine": describe(),
            "settings": dict(self.settings),
            "measured": dict(self.measured),
            "targets": [target.as_json() for target in self.targets],
            "against": {ours: dict(theirs) for ours, theirs in self.against.items() if theirs},
            "shares": dict(self.shares),
        }
        told = {"reasons": dict(self.reasons), "interrupted": INTERRUPTION.where}
        return {**found, **{name: what for name, what in told.items() if what}}

    def finish(self, *tables: Table) -> int:
        """Write bench/results/NAME.json, print, and return the exit status: 1 when a target is missed."""
        with deaf():
            self._write()
        console = Console(highlight=False)
        for table in tables:
            console.print(table)
        if self.targets:
            console.print(self._target_table())
        console.print(f"written: {_shown(RESULTS)}/{self.name}.json")
        return int(not all(target.holds for target in self.targets))

    def _write(self) -> None:
        RESULTS.mkdir(exist_ok=True, parents=True)
        text = json.dumps(self.as_json(sys.argv[1:]), indent=1) + "\n"
        write_atomically(RESULTS / f"{self.name}.json", text.encode())

    def _target_table(self) -> Table:
        table = Table("must hold", "figure", "measured", "")
        for target in self.targets:
            sign = "≥" if target.at_least else "≤"
            table.add_row(
                target.what,
                f"{sign} {target.threshold:g}",
                f"{target.measured:,.4g}",
                "pass" if target.holds else "MISS",
            )
        return table


def _shown(folder: Path) -> Path:
    return folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder


def progress(line: str) -> None:
    """Say on standard error what is going on."""
    _errors.print(f"[dim]{line}[/dim]")
