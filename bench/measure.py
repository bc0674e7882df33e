"""Rounds in which everybody runs in turn, and what is made of them.

Machines are shared and drift: contestants run A B A B, and a ratio is taken within a round, between runs that were
made within the same minute. Their programs stay from the first round to the last, so that a turn is a slice of a second
or less, and what is compared lies seconds apart.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, NamedTuple, Protocol

from bench.interruption import INTERRUPTION, seconds_left

__all__ = [
    "Contestant",
    "Figures",
    "Kept",
    "Missing",
    "Rounds",
    "Spread",
    "interleave",
    "one_after_another",
    "ratios",
    "slope",
    "spread",
    "summary",
]

PREPARATION = 0.6
"""What part of an experiment's remaining time may go before the first round."""

Figures = Mapping[str, float]
"""What one run measured, by name."""


class Missing(Exception):
    """A contestant cannot take part; the message says why and what to do."""


class Kept(Protocol):
    """What stays from the first round to the last; `bench.kept.Program` is one."""

    def start(self) -> None:
        """Let it make its preparations."""

    def ready(self, seconds: float = ...) -> None:
        """Wait so long until it has made them; who fails, or takes longer, says so when it is to run."""

    def let_go(self) -> None:
        """Tell it to end."""

    def end(self, seconds: float = ...) -> None:
        """Wait so long until it has ended, or end it."""


class Contestant(NamedTuple):
    """Somebody who is measured.

    Attributes:
        name: of its row.
        run: measures once. Raises Missing.
        program: what has to be there meanwhile, if anything; several contestants may have the same one.
    """

    name: str
    run: Callable[[], Figures]
    program: Kept | None = None


class Spread(NamedTuple):
    """A figure over all rounds."""

    median: float
    minimum: float
    maximum: float

    def show(self, digits: int = 0) -> str:
        """`median (min-max)`."""
        return f"{self.median:,.{digits}f} ({self.minimum:,.{digits}f}-{self.maximum:,.{digits}f})"


@dataclass
class Rounds:
    """The figures of every contestant, round by round, and who is missing for which reason."""

    figures: dict[str, list[Figures]] = field(default_factory=dict[str, list[Figures]])
    missing: dict[str, str] = field(default_factory=dict[str, str])
    load: list[float] = field(default_factory=list[float])
    """Average number of runnable processes over the minute before each round."""

    def of(self, name: str, figure: str) -> list[float]:
        """One figure of one contestant, a value per round; empty when it is missing."""
        return [figures[figure] for figures in self.figures.get(name, [])]

    def best(self, names: Iterable[str], figure: str) -> str | None:
        """Who of `names` has the highest median; None when all are missing."""
        present = [name for name in names if self.figures.get(name)]
        return max(present, key=lambda name: statistics.median(self.of(name, figure)), default=None)

    def end(self, taking_part: Iterable[Contestant], finished: int) -> None:
        """Only what was measured in finished rounds counts, or in the first one if there is no other."""
        self.figures = {name: figures[: max(1, finished)] for name, figures in self.figures.items()}
        late = [contestant.name for contestant in taking_part if contestant.name not in self.figures]
        self.missing |= dict.fromkeys(late, "interrupted before its turn")

    def as_json(self) -> dict[str, Any]:
        """Every value of every round, with median, minimum and maximum."""
        contestants = {name: self._summary(name) for name in self.figures}
        return {"contestants": contestants, "missing": self.missing, "load": self.load}

    def _summary(self, name: str) -> dict[str, Any]:
        names = list(self.figures[name][0])
        return {figure: summary(self.of(name, figure)) for figure in names}


def interleave(
    contestants: Sequence[Contestant], rounds: int, progress: Callable[[str], None] = lambda _: None
) -> Rounds:
    """Let everybody run once per round, in the order given. Who raises Missing is left out from then on.

    Their programs are started before the first round, and ended after the last one. After an interruption only finished
    rounds count, or of the very first round those who had their turn; nobody has one any more in whatever is
    interleaved after it.
    """
    outcome = Rounds()
    if INTERRUPTION.where:
        outcome.end(contestants, 0)
        return outcome
    taking_part, finished = list(contestants), 0
    programs = list(dict.fromkeys(one.program for one in contestants if one.program is not None))
    try:
        _prepare(programs, progress)
        for _ in range(rounds):
            _round(taking_part, outcome, f"round {finished + 1}/{rounds}", progress)
            finished += 1
            INTERRUPTION.finished += 1
        _dismiss(programs)
    except KeyboardInterrupt:
        outcome.end(taking_part, finished)
        where = f"in round {finished + 1} of {rounds}" if finished < rounds else f"after round {rounds} of {rounds}"
        INTERRUPTION.happened(where, anything=bool(outcome.figures))
    finally:
        for program in programs:
            program.end(0)
    return outcome


def one_after_another(
    settings: Iterable[Sequence[Contestant]], rounds: int, progress: Callable[[str], None] = lambda _: None
) -> Rounds:
    """Interleave those of each setting by themselves: only they are compared, and only their programs are there."""
    together = Rounds()
    for contestants in settings:
        found = interleave(contestants, rounds, progress)
        together.figures |= found.figures
        together.missing |= found.missing
        together.load += found.load
    return together


def _prepare(programs: Sequence[Kept], progress: Callable[[str], None]) -> None:
    """Side by side; nothing is measured before the last of them is ready, or has taken too long."""
    if programs:
        progress(f"programs that make their preparations: {len(programs)}")
    for program in programs:
        program.start()
    until = time.monotonic() + PREPARATION * seconds_left()
    for program in programs:
        program.ready(until - time.monotonic())


def _dismiss(programs: Sequence[Kept]) -> None:
    """Side by side, too."""
    for program in programs:
        program.let_go()
    for program in programs:
        program.end()


def _round(taking_part: list[Contestant], outcome: Rounds, title: str, progress: Callable[[str], None]) -> None:
    outcome.load.append(round(os.getloadavg()[0], 2))
    for contestant in list(taking_part):
        progress(f"{title}: {contestant.name}")
        try:
            figures = contestant.run()
        except Missing as missing:
            taking_part.remove(contestant)
            outcome.missing[contestant.name] = str(missing)
            progress(f"{contestant.name} is missing: {missing}")
        else:
            outcome.figures.setdefault(contestant.name, []).append(figures)


def spread(values: Sequence[float]) -> Spread:
    """Median, minimum and maximum of at least one value."""
    return Spread(statistics.median(values), min(values), max(values))


def summary(values: Sequence[float]) -> dict[str, Any]:
    """Median, minimum, maximum and every round's value."""
    return {**spread(values)._asdict(), "rounds": list(values)}


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Ours by theirs, round by round, for as many rounds as both took part in."""
    return [a / b for a, b in zip(ours, theirs, strict=False)]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Median of the slopes between all pairs of points (x, y), which outliers hardly move (Sen 1968); else 0."""
    slopes = [(d - b) / (c - a) for (a, b), (c, d) in combinations(points, 2) if a != c]
    return statistics.median(slopes) if slopes else 0.0
