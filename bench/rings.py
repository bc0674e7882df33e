"""Environment rings: while one group waits for its driver or the slowest stepper, the others step.

One stepper a core with two groups of environments, against the limit of the machine and against one group.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any, NamedTuple

from rich.table import Table

from bench.measure import Contestant, interleave
from bench.rates import CORES, as_json, at_least, here, limit, share, shares, table
from bench.report import Report, Target, progress

OURS = "ring of 2"


class Task(NamedTuple):
    """An environment, how many of them a group has, and how many rounds take about a second."""

    env: str
    options: str
    environments: int
    rounds: int


TASKS = (
    Task("CartPole-v1", "{}", 128, 700),
    Task("LunarLander-v3", "{}", 32, 600),
    Task("ALE/Pong-v5", '{"obs_type": "rgb"}', 4, 500),
)


def contestants(task: Task) -> list[Contestant]:
    """The same number of environments in two groups and in one, and the ring of one-environment reactors."""
    ours = ("rlreactor_steps", "--env", task.env, "--env-option", task.options)
    halves = ("--crews", CORES, "--environments", task.environments, "--ring", 2, "--rounds", task.rounds)
    whole = ("--crews", CORES, "--environments", 2 * task.environments, "--rounds", task.rounds)
    single = ("--crews", 16, "--ring", 2, "--rounds", task.rounds * task.environments * CORES // 16)
    return [
        limit(task.env),
        here(OURS, *ours, *halves),
        here("one group", *ours, *whole),
        here("ring of 2, 16 reactors of one environment", *ours, *single),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--env", choices=[task.env for task in TASKS], nargs="+", help="all when not given")
    chosen = parser.parse_args()
    tables: list[Table] = []
    measured: dict[str, Any] = {}
    must_hold: list[Target] = []
    of_limit: dict[str, Any] = {}
    for task in TASKS:
        if chosen.env and task.env not in chosen.env:
            continue
        rounds = interleave(contestants(task), chosen.rounds, progress)
        tables.append(table(f"{task.env}, {CORES} x 2 x {task.environments} environments", rounds, OURS))
        measured[task.env] = as_json(rounds, OURS)
        of_limit |= share(rounds, OURS, task.env)
        must_hold += at_least(f"{task.env}: share of the limit (median)", 0.90, shares(rounds, OURS))
    return Report("rings", {"rounds": chosen.rounds}, measured, must_hold, shares=of_limit).finish(*tables)


if __name__ == "__main__":
    sys.exit(main())
