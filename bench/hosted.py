"""EnvPool and ale_py's vector Atari in our steppers, one pinned reactor a core, against the same library alone.

The library alone has as many threads as there are cores, and all environments in one pool.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

from bench.by_environment import Found, in_each
from bench.measure import Contestant, Rounds
from bench.rates import CORES, RATE, at_least, compared, here, part_of

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


def contestants(task: Task, part: float = 1.0) -> list[Contestant]:
    """The same number of environments each."""
    env, rounds = ("--env", task.env), ("--rounds", part_of(part, task.rounds))
    ours = ("rlreactor_steps", *env, "--crews", CORES, "--workers", CORES)
    halves = ("--environments", task.environments // CORES // 2, "--ring", 2, *rounds)
    alone = ("--environments", task.environments, "--threads", CORES, *rounds)
    return [
        here(OURS, *ours, "--environments", task.environments // CORES, *rounds),
        here(ALONE, "library_steps", *env, *alone),
        here(RING, *ours, *halves),
    ]


def judge(task: Task, rounds: Rounds) -> Found:
    """The better of ours is no worse than the library alone."""
    best = rounds.best([OURS, RING], RATE) or OURS
    ratio = compared(rounds, best).get(ALONE, [])
    targets = at_least(f"{task.env}: {best}, ratio to {ALONE} (median)", 1.0, ratio)
    return Found(f"{task.env}, {task.environments} environments", best, targets, [ALONE])


def main() -> int:
    return in_each("hosted", __doc__, TASKS, contestants, judge)


if __name__ == "__main__":
    sys.exit(main())
