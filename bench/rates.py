"""What experiments share that compare rates of stepping: programs as contestants, the limit of the machine, tables."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table

from bench import comparison
from bench.kept import Program
from bench.measure import Contestant, Figures, Rounds, ratios, spread, summary
from bench.report import Target

__all__ = [
    "CORES",
    "LIMIT",
    "RATE",
    "against",
    "as_json",
    "at_least",
    "compared",
    "elsewhere",
    "here",
    "limit",
    "limits",
    "part_of",
    "share",
    "shares",
    "table",
]

CORES = len(os.sched_getaffinity(0))
RATE = "steps_per_second"
LIMIT = "bare env.step, one core"


def here(name: str, module: str, *arguments: object) -> Contestant:
    """A program of bench/contestants, with this interpreter."""
    return _slices(name, comparison.here(module, *arguments))


def elsewhere(name: str, environment: str, module: str, *arguments: object) -> Contestant:
    """A program of bench/contestants, with the interpreter of an opponents' environment."""
    return _slices(name, comparison.elsewhere(environment, module, *arguments))


def _slices(name: str, program: Program) -> Contestant:
    """Of its single form, the figures."""

    def run() -> Figures:
        return {figure: float(value) for figure, value in program.slice("").items() if isinstance(value, int | float)}

    return Contestant(name, run, program)


def limit(environment: str, part: float = 1.0) -> Contestant:
    """How often one core can step one environment, alone and with all cores at work; so large a part of a second."""
    bare = here(LIMIT, "bare_steps", "--env", environment, "--seconds", max(0.05, 0.7 * part))
    return bare._replace(run=lambda: {**(found := bare.run()), RATE: found["one_core"]})


def part_of(part: float, rounds: int) -> int:
    """So large a part of these rounds; ten at least, so that there is a warm-up."""
    return max(10, round(part * rounds))


def limits(rounds: Rounds) -> list[float]:
    """Cores times the rate of one, round by round."""
    return [CORES * rate for rate in rounds.of(LIMIT, RATE)]


def shares(rounds: Rounds, name: str) -> list[float]:
    """What share of the limit somebody reached, round by round."""
    return ratios(rounds.of(name, RATE), limits(rounds))


def compared(rounds: Rounds, ours: str) -> dict[str, list[float]]:
    """Our rate by theirs, round by round."""
    others = [name for name in rounds.figures if name not in (ours, LIMIT)]
    return {name: ratios(rounds.of(ours, RATE), rounds.of(name, RATE)) for name in others}


def against(rounds: Rounds, ours: str, theirs: Iterable[str]) -> dict[str, Any]:
    """How many times our rate theirs is; without whoever is missing."""
    found = compared(rounds, ours)
    return {name: summary(found[name]) for name in theirs if found.get(name)}


def share(rounds: Rounds, ours: str, setting: str) -> dict[str, Any]:
    """Our share of the limit; nothing when it was not measured."""
    found = shares(rounds, ours)
    return {f"{setting}: {ours}": summary(found)} if found else {}


def table(title: str, rounds: Rounds, ours: str) -> Table:
    """Everybody's rate, share of the limit, and our rate by theirs; who is missing is listed with the reason."""
    shown = Table(title, "steps/s", f"share of {CORES} x bare", "ours / theirs")
    against = compared(rounds, ours)
    for name in rounds.figures:
        share = spread(found).show(2) if (found := shares(rounds, name)) and name != LIMIT else ""
        ratio = spread(against[name]).show(2) if against.get(name) else ""
        shown.add_row(name, spread(rounds.of(name, RATE)).show(), share, ratio)
    together = rounds.of(LIMIT, "all_cores")
    if together:
        shown.add_row(f"bare env.step, {CORES} cores at once", spread(together).show(), "", "")
    for name, reason in rounds.missing.items():
        shown.add_row(name, f"missing: {reason}")
    return shown


def at_least(what: str, threshold: float, values: list[float]) -> list[Target]:
    """A bound on the median; none when nothing was measured."""
    return [Target(what, threshold, statistics.median(values))] if values else []


def as_json(rounds: Rounds, ours: str) -> Mapping[str, Any]:
    """Every figure, every share and every ratio, round by round."""
    return {
        **rounds.as_json(),
        "shares": {name: summary(found) for name in rounds.figures if (found := shares(rounds, name))},
        f"{ours} by": {name: summary(found) for name, found in compared(rounds, ours).items() if found},
    }
