"""Environment rings: while one group waits for its driver or the slowest stepper, the others step.

One stepper a core with several groups of environments, against the limit of the machine and against one group.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

from bench.by_environment import Found, in_each
from bench.measure import Contestant, Rounds
from bench.rates import CORES, LIMIT, at_least, here, limit, part_of, shares

OURS = "ring"


class Task(NamedTuple):
    """An environment, how many of them a group has, how many groups, and how many rounds take about a second."""

    env: str
    options: str
    environments: int
    ring: int
    rounds: int


TASKS = (
    Task("CartPole-v1", "{}", 128, 2, 700),
    Task("LunarLander-v3", "{}", 16, 4, 600),  # a reset takes as long as six steps: more turns even that out
    Task("ALE/Pong-v5", '{"obs_type": "rgb"}', 4, 2, 500),
)


def contestants(task: Task, part: float = 1.0) -> list[Contestant]:
    """The same number of environments in several groups and in one, and the ring of one-environment reactors."""
    ours = ("rlreactor_steps", "--env", task.env, "--env-option", task.options)
    rounds = part_of(part, task.rounds)
    parts = ("--crews", CORES, "--environments", task.environments, "--ring", task.ring, "--rounds", rounds)
    whole = ("--crews", CORES, "--environments", task.ring * task.environments, "--rounds", rounds)
    single = ("--crews", 16, "--ring", task.ring, "--rounds", rounds * task.environments * CORES // 16)
    return [
        limit(task.env, part),
        here(OURS, *ours, *parts),
        here("one group", *ours, *whole),
        here("ring, 16 reactors of one environment", *ours, *single),
    ]


def judge(task: Task, rounds: Rounds) -> Found:
    """A ring comes near the limit of the machine."""
    targets = at_least(f"{task.env}: share of the limit (median)", 0.90, shares(rounds, OURS))
    return Found(f"{task.env}, {CORES} x {task.ring} x {task.environments} environments", OURS, targets)


def main() -> int:
    return in_each("rings", __doc__, TASKS, contestants, judge, compared=(LIMIT, OURS))


if __name__ == "__main__":
    sys.exit(main())
