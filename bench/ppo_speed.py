"""Environment steps/s of PPO, from environment to gradient, against everybody else who offers it.

All have the same network, batch, epochs and number of environments, and as many threads as there are cores where the
network is large enough to gain from it. Rates leave out everything up to the end of the first update. A round is one
run of each, all with that round's seed.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, NamedTuple

from rich.table import Table

from bench.contestants.ppo_task import TASKS
from bench.measure import Contestant, Figures, Rounds, interleave, ratios, spread, summary
from bench.opponents import PPO_OPPONENTS, ppo_by
from bench.program import python_module
from bench.report import Report, Target, progress

_RATE, _FIRST, _RETURN = "steady_steps_per_second", "seconds_to_first_update", "mean_return"
_NOISE = 2.0
"""Standard errors by which a mean return may lie below another one that is no better."""


class Race(NamedTuple):
    """One environment: how long, with which threads, in which forms of ours, and what must hold."""

    steps: int
    threads: int
    ours: Mapping[str, tuple[str, ...]]
    """Options of `bench.contestants.rlreactor_ppo`; the first one is what must hold."""
    ratio: float
    """Of the first of ours to the fastest of theirs."""


RACES = {
    "CartPole-v1": Race(
        40_960, 1, {
            "rlreactor, 2 workers": ("--plain", "--envs-per-rollout", "8", "--workers", "2"),
            "rlreactor, 1 worker": ("--plain", "--envs-per-rollout", "8", "--workers", "1"),
        }, 1.5,
    ),
    "ALE/Pong-v5": Race(
        6_144, 2, {
            "rlreactor, bfloat16": ("--workers", "2", "--config", '{"precision": "bfloat16"}'),
            "rlreactor, float32": ("--workers", "2", "--config", '{"precision": "float32"}'),
        }, 2.0,
    ),
}  # fmt: skip


def contestants(environment: str, race: Race, opponents: list[str]) -> list[Contestant]:
    """Ours in each of its forms, then theirs."""
    common = ("--env", environment, "--steps", str(race.steps), "--threads", str(race.threads))
    return [
        *(Contestant(name, _ours((*common, *options))) for name, options in race.ours.items()),
        *(Contestant(name, _theirs(name, environment, race)) for name in opponents),
    ]


def _ours(options: tuple[str, ...]) -> Callable[[], Figures]:
    seeds = count(1)
    module = "bench.contestants.rlreactor_ppo"
    return lambda: _figures(python_module(module, *options, "--seed", str(next(seeds)))())


def _theirs(name: str, environment: str, race: Race) -> Callable[[], Figures]:
    seeds = count(1)
    return lambda: _figures(ppo_by(name, environment, race.steps, seed=next(seeds), threads=race.threads))


def _figures(report: Mapping[str, Any]) -> Figures:
    """A run may end before any of its episodes has, and then has no return."""
    names = (_RATE, _FIRST, "env_steps", _RETURN)
    return {name: float(report[name]) for name in names if report[name] is not None}


def returns(rounds: Rounds, name: str) -> list[float]:
    """Mean returns at the end of those runs that had one."""
    return [figures[_RETURN] for figures in rounds.figures.get(name, []) if _RETURN in figures]


def standard_errors(ours: list[float], theirs: list[float]) -> float | None:
    """By how many standard errors our mean is above theirs; None with fewer than two values each."""
    if min(len(ours), len(theirs)) < 2:
        return None
    error = math.sqrt(sum(statistics.variance(values) / len(values) for values in (ours, theirs)))
    difference = statistics.fmean(ours) - statistics.fmean(theirs)
    return difference / error if error else math.copysign(math.inf, difference) if difference else 0.0


def targets_of(environment: str, race: Race, rounds: Rounds) -> list[Target]:
    """The ratio to the fastest of theirs, and that our return is no worse; nothing when they are all missing."""
    ours = next(iter(race.ours))
    fastest = rounds.best(PPO_OPPONENTS, _RATE)
    if fastest is None:
        return []
    ratio = spread(ratios(rounds.of(ours, _RATE), rounds.of(fastest, _RATE)) or [0.0]).median
    targets = [Target(f"{environment}, ratio to the fastest, {fastest} (median)", race.ratio, ratio)]
    above = standard_errors(returns(rounds, ours), returns(rounds, fastest))
    if above is not None:
        targets.append(Target(f"{environment}, return above its, in standard errors", -_NOISE, above))
    return targets


def table_of(environment: str, race: Race, rounds: Rounds) -> Table:
    """Rates, ratios and returns of all."""
    title = f"PPO {environment}, {TASKS[environment].environments} environments, {race.steps:,} steps"
    table = Table(title, "steady steps/s", "ours : it", "first update, s", "return at the end")
    ours = rounds.of(next(iter(race.ours)), _RATE)
    for name in rounds.figures:
        rate, first = rounds.of(name, _RATE), rounds.of(name, _FIRST)
        compared = spread(ratios(ours, rate)).show(2) if ours else ""
        ended = returns(rounds, name)
        table.add_row(
            name, spread(rate).show(), compared, spread(first).show(1), spread(ended).show(1) if ended else "none yet"
        )
    for name, reason in rounds.missing.items():
        table.add_row(name, f"missing: {reason}")
    return table


def measured(race: Race, rounds: Rounds) -> dict[str, Any]:
    """Everything, with the ratios of each of ours to each of theirs."""
    compared = {
        f"{ours} / {theirs}": summary(ratios(rounds.of(ours, _RATE), rounds.of(theirs, _RATE)))
        for ours in race.ours
        for theirs in PPO_OPPONENTS
        if rounds.of(ours, _RATE) and rounds.of(theirs, _RATE)
    }
    return {
        "rounds": rounds.figures,
        "contestants": {
            name: {figure: summary(rounds.of(name, figure)) for figure in (_RATE, _FIRST)} for name in rounds.figures
        },
        "ratios": compared,
        "missing": rounds.missing,
        "load": rounds.load,
    }


def against(environment: str, race: Race, rounds: Rounds) -> dict[str, Any]:
    """How many times faster the first of ours is than each of theirs."""
    ours = next(iter(race.ours))
    found = {theirs: ratios(rounds.of(ours, _RATE), rounds.of(theirs, _RATE)) for theirs in PPO_OPPONENTS}
    return {f"{environment}: {ours}": {theirs: summary(values) for theirs, values in found.items() if values}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", action="append", choices=list(RACES), help="may be given several times")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, help="environment steps of a run, instead of the environment's own number")
    parser.add_argument("--only", action="append", choices=list(PPO_OPPONENTS), help="may be given several times")
    options = parser.parse_args()
    tables: list[Table] = []
    targets: list[Target] = []
    found: dict[str, Any] = {}
    theirs: dict[str, Any] = {}
    settings: dict[str, Any] = {"rounds": options.rounds}
    for environment in options.env or RACES:
        race = RACES[environment]
        race = race._replace(steps=options.steps or race.steps)
        rounds = interleave(
            contestants(environment, race, options.only or list(PPO_OPPONENTS)), options.rounds, progress
        )  # fmt: skip
        tables.append(table_of(environment, race, rounds))
        targets += targets_of(environment, race, rounds)
        found[environment] = measured(race, rounds)
        theirs |= against(environment, race, rounds)
        settings[environment] = {**TASKS[environment]._asdict(), "steps": race.steps, "threads": race.threads}
    return Report("ppo_speed", settings, found, targets, against=theirs).finish(*tables)


if __name__ == "__main__":
    sys.exit(main())
