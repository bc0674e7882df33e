"""What experiments share that compare costs: options, programs that measure several contestants, one table of all."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from rich.table import Table

from bench.kept import Program
from bench.measure import Contestant, Figures, Missing, Rounds, ratios, spread, summary
from bench.report import Target
from bench.setup import python_of

__all__ = [
    "Column",
    "at_most",
    "costs",
    "elsewhere",
    "here",
    "options",
    "share",
    "slices",
    "table",
    "times_cheaper",
    "together",
]

Found = Mapping[str, Figures | str]
"""What a program reports on its last line: figures of every contestant that it measured, or why one is missing."""


class Column(NamedTuple):
    """A figure that a table shows."""

    figure: str
    heading: str
    digits: int = 2


def options(description: str | None, rounds: int = 5) -> argparse.ArgumentParser:
    """The options that every comparison has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--ours", action="store_true", help="without those who need a virtual environment of their own")
    return parser


def here(module: str, *arguments: object, folder: str = "contestants") -> Program:
    """A program of bench/contestants or another folder, with this interpreter."""
    return Program(lambda: [sys.executable, *_module(folder, module, arguments)])


def elsewhere(environment: str, module: str, *arguments: object, folder: str = "contestants") -> Program:
    """A program of bench/contestants or another folder, with the interpreter of an opponents' environment."""
    return Program(lambda: [python_of(environment), *_module(folder, module, arguments)])


def _module(folder: str, module: str, arguments: Sequence[object]) -> list[str]:
    return ["-m", f"bench.{folder}.{module}", *map(str, arguments)]


def slices(program: Program, names: Iterable[str], setting: str = "") -> list[Contestant]:
    """Contestants that are forms of one program, which stays: each has turns of its own.

    Args:
        program: ends with `bench.contestants.slices.serve`.
        names: what the program calls them.
        setting: what to put before the names where the same ones are measured in several settings.
    """
    return [Contestant(setting + name, partial(program.slice, name), program) for name in names]


def together(run: Callable[[], Found], names: Sequence[str], setting: str = "") -> list[Contestant]:
    """Contestants that one run measures: the first of them runs it, the others take what it found of them.

    Args:
        run: a program in a process of its own, or any other function. It reports of a contestant either its figures
            or, as text, why it is missing.
        names: what the program calls them.
        setting: what to put before the names where the same ones are measured in several settings.
    """
    found: dict[str, Figures | str] = {}

    def take(name: str) -> Figures:
        if name == names[0]:
            found.clear()
            found.update(run())
        figures = found.get(name, f"it is measured together with {names[0]}, which is missing")
        if isinstance(figures, str):
            raise Missing(figures)
        return figures

    return [Contestant(setting + name, partial(take, name)) for name in names]


def table(title: str, rounds: Rounds, columns: Sequence[Column]) -> Table:
    """A row for everybody; who is missing is listed with the reason."""
    shown = Table(title, *(column.heading for column in columns))
    for name in rounds.figures:
        cells = [spread(rounds.of(name, column.figure)).show(column.digits) for column in columns]
        shown.add_row(name, *cells)
    for name, reason in rounds.missing.items():
        shown.add_row(name, f"missing: {reason}")
    return shown


def costs(rounds: Rounds, name: str, figure: str) -> float | None:
    """The median of a cost; None when it is missing."""
    found = rounds.of(name, figure)
    return spread(found).median if found else None


def times_cheaper(rounds: Rounds, ours: str, theirs: Iterable[str], figure: str) -> dict[str, dict[str, Any]]:
    """How many times our cost theirs is, round by round; without whoever is missing."""
    found = {name: ratios(rounds.of(name, figure), rounds.of(ours, figure)) for name in theirs}
    return {name: summary(values) for name, values in found.items() if values}


def share(rounds: Rounds, ours: str, limit: str, figure: str) -> dict[str, dict[str, Any]]:
    """What share of the limit we reached, round by round; nothing when either is missing."""
    found = times_cheaper(rounds, ours, [limit], figure)
    return {ours: found[limit]} if found else {}


def at_most(what: str, threshold: float, measured: float | None) -> list[Target]:
    """A bound on a cost; none when nothing was measured."""
    return [] if measured is None else [Target(what, threshold, measured, at_least=False)]
