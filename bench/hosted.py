"""EnvPool and ale_py's vector Atari in our steppers, one pinned reactor a core, against the same library alone.

The library alone has as many threads as there are cores, and all environments in one pool.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any, NamedTuple

from rich.table import Table

from bench.measure import Contestant, interleave
from bench.rates import CORES, against, as_json, at_least, compared, here, table
from bench.report import Report, Target, progress

OURS, RING, ALONE = "a reactor a core", "a reactor a core, ring of 2", "the library alone"


class Task(NamedTuple):
    """An environment, how many of them in all, and how many rounds take about a second."""

    env: str
    environments: int
    rounds: int


TASKS = (
    Task("envpool:CartPole-v1", 128, 2000),
    Task("envpool:LunarLander-v3", 64, 1500),
    Task("envpool:Pong-v5", 16, 400),
    Task("ALE/Pong-v5", 16, 300),
)


def contestants(task: Task) -> list[Contestant]:
    """The same number of environments each."""
    env, rounds = ("--env", task.env), ("--rounds", task.rounds)
    ours = ("rlreactor_steps", *env, "--crews", CORES, "--workers", CORES)
    halves = ("--environments", task.environments // CORES // 2, "--ring", 2, *rounds)
    alone = ("--environments", task.environments, "--threads", CORES, *rounds)
    return [
        here(OURS, *ours, "--environments", task.environments // CORES, *rounds),
        here(ALONE, "library_steps", *env, *alone),
        here(RING, *ours, *halves),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--env", choices=[task.env for task in TASKS], nargs="+", help="all when not given")
    chosen = parser.parse_args()
    tables: list[Table] = []
    measured: dict[str, Any] = {}
    must_hold: list[Target] = []
    theirs: dict[str, Any] = {}
    for task in TASKS:
        if chosen.env and task.env not in chosen.env:
            continue
        rounds = interleave(contestants(task), chosen.rounds, progress)
        best = rounds.best([OURS, RING], "steps_per_second") or OURS
        tables.append(table(f"{task.env}, {task.environments} environments", rounds, best))
        measured[task.env] = as_json(rounds, best)
        theirs[f"{task.env}: {best}"] = against(rounds, best, [ALONE])
        ratio = compared(rounds, best).get(ALONE, [])
        must_hold += at_least(f"{task.env}: {best}, ratio to {ALONE} (median)", 1.0, ratio)
    return Report("hosted", {"rounds": chosen.rounds}, measured, must_hold, against=theirs).finish(*tables)


if __name__ == "__main__":
    sys.exit(main())
