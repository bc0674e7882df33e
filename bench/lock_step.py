"""B3 and B4: 16 one-environment reactors in lock-step, a full barrier every step, actions at random.

Each sends what it shows as a message of its own; beside that, the reactors of a core as a crew, which hands on what
they show as one. Against the limit of the machine, a loop written by hand, and the vector environments that people use.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

from bench.by_environment import Found, in_each
from bench.measure import Contestant, Rounds
from bench.rates import CORES, LIMIT, at_least, compared, elsewhere, here, limit, part_of, shares
from bench.report import Target

_ENVIRONMENTS = 16
OURS, PLAIN, HAND = "rlreactor", "rlreactor, fingerprint off", "written by hand"
SYNC, ASYNC, SUBPROC = "Gymnasium SyncVectorEnv", "Gymnasium AsyncVectorEnv", "SB3 SubprocVecEnv"
THEIRS = (HAND, SYNC, ASYNC, SUBPROC)


class Task(NamedTuple):
    """An environment, what must hold there, and how many rounds take about a second."""

    env: str
    options: str
    rounds: dict[str, int]
    share: float
    ratios: dict[str, float]


_FEW = {ASYNC: 1500, SUBPROC: 1200}
TASKS = (
    Task("CartPole-v1", "{}", {OURS: 10_000, HAND: 12_000, SYNC: 8000, **_FEW}, 0.55,
         {HAND: 0.85, ASYNC: 4.0, SUBPROC: 5.0, SYNC: 1.3}),
    Task("LunarLander-v3", "{}", {OURS: 3000, HAND: 3000, SYNC: 2000, **_FEW}, 0.65, {HAND: 0.95}),
    Task("ALE/Pong-v5", '{"obs_type": "rgb"}', {OURS: 400, HAND: 400, SYNC: 250, ASYNC: 300, SUBPROC: 250}, 0.80,
         {HAND: 0.95, ASYNC: 1.2, SUBPROC: 1.2, SYNC: 1.5}),
)  # fmt: skip


def contestants(task: Task, part: float = 1.0) -> list[Contestant]:
    """Everybody, the limit first."""
    env = ("--env", task.env)
    rounds = {name: part_of(part, count) for name, count in task.rounds.items()}
    ours = ("rlreactor_steps", *env, "--env-option", task.options, "--rounds", rounds[OURS])
    alone = ("--crews", _ENVIRONMENTS)
    together = ("--crews", CORES, "--crew", _ENVIRONMENTS // CORES)
    return [
        limit(task.env, part),
        here(OURS, *ours, *alone),
        here(HAND, "hand_written_steps", *env, "--rounds", rounds[HAND]),
        here(PLAIN, *ours, *alone, "--no-fingerprint"),
        here("rlreactor, crews", *ours, *together),
        here(SYNC, "gymnasium_steps", "--kind", "sync", *env, "--rounds", rounds[SYNC]),
        here(ASYNC, "gymnasium_steps", "--kind", "async", *env, "--rounds", rounds[ASYNC]),
        elsewhere(SUBPROC, "sb3", "sb3_steps", *env, "--rounds", rounds[SUBPROC]),
    ]


def targets(task: Task, rounds: Rounds) -> list[Target]:
    """What must hold of this task."""
    against = compared(rounds, OURS)
    found = at_least(f"{task.env}: share of the limit (median)", task.share, shares(rounds, OURS))
    for name, threshold in task.ratios.items():
        found += at_least(f"{task.env}: ratio to {name} (median)", threshold, against.get(name, []))
    return found


def judge(task: Task, rounds: Rounds) -> Found:
    title = f"{task.env}, {_ENVIRONMENTS} environments in lock-step"
    return Found(title, OURS, targets(task, rounds), THEIRS)


def main() -> int:
    settings = {"environments": _ENVIRONMENTS}
    return in_each("lock_step", __doc__, TASKS, contestants, judge, settings, compared=(LIMIT, OURS, *THEIRS))


if __name__ == "__main__":
    sys.exit(main())
