"""B3 and B4: 15 one-environment reactors in lock-step with actions at random, against as many Ray actors.

A full barrier at every step; then k steps for every message, on both sides. Ours with the workers that the planner
chooses and with one. Blackjack and FrozenLake show their observations as numbers, for everybody.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from typing import Any, NamedTuple

from rich.table import Table

from bench.comparison import elsewhere, slices
from bench.measure import Contestant, Rounds, interleave, ratios, summary
from bench.rates import CORES, LIMIT, RATE, as_json, at_least, here, limit, table
from bench.report import Report, Target, progress

__all__ = ["TASKS", "Task", "contestants", "reasons", "targets"]

_ENVIRONMENTS = 15
OURS, ALONE, WALKING = "rlreactor", "rlreactor, one worker", "rlreactor, k steps a message"
RAY, GRAPH, CALLS = "Ray", "Ray Compiled Graph", "Ray, k steps a call"
_NUMBERS = "bench.contestants.numbers:numbers/"


class Task(NamedTuple):
    """An environment, how many rounds ours makes, and k."""

    env: str
    rounds: int
    steps_a_message: int
    times_faster: dict[str, float]
    options: str = "{}"
    environments: int = _ENVIRONMENTS


_SMALL = (10_000, 100, {RAY: 50.0, GRAPH: 12.0, CALLS: 1.1})
_RAW = (1000, 16, {RAY: 4.0, GRAPH: 2.5, CALLS: 1.0}, '{"obs_type": "rgb"}')
TASKS = {
    "CartPole": Task("CartPole-v1", *_SMALL),
    "Blackjack": Task(_NUMBERS + "Blackjack-v1", *_SMALL),
    "Pendulum": Task("Pendulum-v1", *_SMALL),
    "LunarLander": Task("LunarLander-v3", *_SMALL),
    "FrozenLake": Task(_NUMBERS + "FrozenLake-v1", *_SMALL),
    "Pong": Task("ALE/Pong-v5", *_RAW),
    "MsPacman": Task("ALE/MsPacman-v5", *_RAW),
    "SpaceInvaders": Task("ALE/SpaceInvaders-v5", *_RAW),
}


def contestants(task: Task, opponents: bool = True, part: float = 1.0) -> list[Contestant]:
    """Everybody, the limit first; Ray makes a tenth as many rounds, and k steps are made a k-th as often."""
    env = ("--env", task.env)
    ours = ("rlreactor_steps", *env, "--env-option", task.options, "--crews", task.environments)
    walks = ("--walk", "--environments", task.steps_a_message, "--rounds", max(10, task.rounds // task.steps_a_message))
    found = [
        limit(task.env, part),
        here(OURS, *ours, "--rounds", task.rounds),
        here(ALONE, *ours, "--rounds", task.rounds, "--workers", 1),
        here(WALKING, *ours, *walks),
    ]
    if not opponents:
        return found
    theirs = ("--rounds", max(1, task.rounds // 10), "--steps-a-call", task.steps_a_message)
    run = elsewhere("ray", "ray_steps", *env, "--environments", task.environments, *theirs)
    return found + slices(run, [RAY, GRAPH, CALLS])


def against(rounds: Rounds, best: str, name: str) -> list[float]:
    """How many times as fast ours is, k steps against k steps."""
    return ratios(rounds.of(WALKING if name == CALLS else best, RATE), rounds.of(name, RATE))


def best_of(rounds: Rounds) -> str:
    """With which workers ours is faster."""
    return rounds.best([OURS, ALONE], RATE) or OURS


def targets(title: str, task: Task, rounds: Rounds) -> list[Target]:
    """What must hold of this task, as far as it was measured."""
    best = best_of(rounds)
    return [
        target
        for name, threshold in task.times_faster.items()
        for target in at_least(
            f"{title}: {WALKING if name == CALLS else best}, ratio to {name} (median)",
            threshold,
            against(rounds, best, name),
        )
    ]


def reasons(task: Task, rounds: Rounds) -> dict[str, str]:
    """Of every target that is missed, what even the bare environments reach on all cores."""
    best, cores = best_of(rounds), rounds.of(LIMIT, "all_cores")
    return {
        name: f"bare env.step on {CORES} cores at once, without any exchange, is {statistics.median(most):.3g} times "
        f"as fast as {name}; {threshold:g} were asked for"
        for name, threshold in task.times_faster.items()
        if (found := against(rounds, best, name)) and statistics.median(found) < threshold
        if (most := ratios(cores, rounds.of(name, RATE)))
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--env", choices=list(TASKS), nargs="+", default=list(TASKS))
    parser.add_argument("--steps", type=int, help="of every environment of ours; Ray makes a tenth as many")
    parser.add_argument("--environments", type=int, default=_ENVIRONMENTS)
    parser.add_argument("--ours", action="store_true", help="without those who need a virtual environment of their own")
    parser.add_argument("--part", type=float, default=1.0, help="of a second, in which bare steps are counted")
    chosen = parser.parse_args()
    tables: list[Table] = []
    measured: dict[str, Any] = {}
    must_hold: list[Target] = []
    why: dict[str, str] = {}
    theirs: dict[str, dict[str, Any]] = {}
    for title in chosen.env:
        task = TASKS[title]._replace(environments=chosen.environments)
        task = task._replace(rounds=chosen.steps or task.rounds)
        rounds = interleave(contestants(task, not chosen.ours, chosen.part), chosen.rounds, progress)
        heading = f"{title}, {task.environments} environments in lock-step, k = {task.steps_a_message}"
        tables.append(table(heading, rounds, best_of(rounds)))
        best = best_of(rounds)
        measured[title] = as_json(rounds, best)
        why |= {f"{title}, {name}": text for name, text in reasons(task, rounds).items()}
        theirs[f"{title}: {best}"] = {
            f"{title}: {name}": summary(found) for name in task.times_faster if (found := against(rounds, best, name))
        }
        must_hold += targets(title, task, rounds)
    settings = {"rounds": chosen.rounds, "environments": chosen.environments, "steps": chosen.steps}
    report = Report("ray_lock_step", settings, measured, must_hold, against=theirs, reasons=why)
    return report.finish(*tables)


if __name__ == "__main__":
    sys.exit(main())
