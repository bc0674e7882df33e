"""An experiment that is made in several environments, one after another: its options, and one report of all."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

from rich.table import Table

from bench.measure import Contestant, Rounds, interleave
from bench.rates import against, as_json, share, table
from bench.report import Report, Target, progress

__all__ = ["Found", "Task", "in_each"]


class Task(Protocol):
    """What is done in one environment."""

    @property
    def env(self) -> str:
        """Its id, by which the user chooses."""
        ...


AnyTask = TypeVar("AnyTask", bound=Task)


class Found(NamedTuple):
    """What came out in one environment.

    Attributes:
        title: of the table.
        ours: the name of ours that everybody is compared with.
        targets: what must hold.
        theirs: whom it is reported against.
    """

    title: str
    ours: str
    targets: Sequence[Target]
    theirs: Sequence[str] = ()


@dataclass
class _Together:
    tables: list[Table] = field(default_factory=list[Table])
    measured: dict[str, Any] = field(default_factory=dict[str, Any])
    targets: list[Target] = field(default_factory=list[Target])
    against: dict[str, Any] = field(default_factory=dict[str, Any])
    shares: dict[str, Any] = field(default_factory=dict[str, Any])

    def add(self, env: str, rounds: Rounds, found: Found) -> None:
        self.tables.append(table(found.title, rounds, found.ours))
        self.measured[env] = as_json(rounds, found.ours)
        self.targets += found.targets
        self.against[f"{env}: {found.ours}"] = against(rounds, found.ours, found.theirs)
        self.shares |= share(rounds, found.ours, env)


def in_each(
    name: str,
    description: str | None,
    tasks: Sequence[AnyTask],
    contestants: Callable[[AnyTask, float], Sequence[Contestant]],
    judge: Callable[[AnyTask, Rounds], Found],
    settings: Mapping[str, Any] | None = None,
    compared: Collection[str] = (),
) -> int:
    """Let everybody run in each environment that is chosen, write the report, and return the exit status.

    Args:
        name: of the experiment.
        description: for --help.
        tasks: one for each environment.
        contestants: who takes part in one, and how long its slices are, in parts of the usual length.
        judge: what to make of its rounds.
        settings: what else the report tells, besides the number of rounds.
        compared: who alone takes part with --compared; everybody when empty.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--env", choices=[task.env for task in tasks], nargs="+", help="all when not given")
    parser.add_argument("--part", type=float, default=1.0, help="of the usual length of a slice")
    parser.add_argument("--compared", action="store_true", help="without forms of ours that nobody is compared with")
    chosen = parser.parse_args()
    together = _Together()
    for task in tasks:
        if not chosen.env or task.env in chosen.env:
            taking_part = contestants(task, chosen.part)
            if chosen.compared and compared:
                taking_part = [one for one in taking_part if one.name in compared]
            rounds = interleave(taking_part, chosen.rounds, progress)
            together.add(task.env, rounds, judge(task, rounds))
    told = {"rounds": chosen.rounds, "part": chosen.part, **(settings or {})}
    report = Report(name, told, together.measured, together.targets, against=together.against, shares=together.shares)
    return report.finish(*together.tables)
