"""A script of this folder that `rlreactor bench` runs, and how it is called there."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import NamedTuple

__all__ = ["Experiment", "chosen", "known", "unknown"]


class Experiment(NamedTuple):
    """A script of this folder.

    Attributes:
        name: of the module bench.NAME, whose `main()` writes NAME.json through `bench.report.Report`.
        numbers: the topics that it belongs to.
        what: one line about it.
        quick: its options with --quick.
        quick_seconds: after which it is ended with --quick, keeping the rounds that were finished.
        full: its options without --quick.
        full_seconds: the same limit without --quick.
    """

    name: str
    numbers: tuple[str, ...]
    what: str
    quick: str
    quick_seconds: int
    full: str
    full_seconds: int

    def options(self, quick: bool) -> list[str]:
        return shlex.split(self.quick if quick else self.full)

    def seconds(self, quick: bool) -> int:
        return self.quick_seconds if quick else self.full_seconds


def chosen(words: Sequence[str], experiments: Sequence[Experiment]) -> list[Experiment]:
    """Those whose name or number is among `words`, whatever the case; all when there are no words."""
    wanted = {word.lower() for word in words}
    return [one for one in experiments if not wanted or wanted & _called(one)]


def known(experiments: Iterable[Experiment]) -> list[str]:
    """All names and numbers, in small letters."""
    return sorted({name for one in experiments for name in _called(one)})


def unknown(words: Iterable[str], experiments: Sequence[Experiment]) -> list[str]:
    """Those words that name nothing."""
    names = known(experiments)
    return [word for word in words if word.lower() not in names]


def _called(experiment: Experiment) -> set[str]:
    return {name.lower() for name in (experiment.name, *experiment.numbers)}
