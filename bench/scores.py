"""What PPO reaches in known environments, with their default hyper-parameters, over several seeds.

The outcome of a run does not depend on how many workers it had, so every run has one and as many runs as there are
cores go on at a time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from rich.table import Table

from bench.measure import Missing
from bench.program import python_module
from bench.report import Report, Target, progress


class Threshold(NamedTuple):
    """What must be reached in an environment."""

    steps: int
    """Environment steps at most."""
    seeds: tuple[int, ...]
    mean: float
    """Over all seeds."""
    lowest: float
    """Of any seed."""


THRESHOLDS = {
    "CartPole-v1": Threshold(150_000, (1, 2, 3, 4, 5), 475.0, 400.0),
    "Acrobot-v1": Threshold(300_000, (1, 2, 3), -90.0, -90.0),
    "Pendulum-v1": Threshold(300_000, (1, 2, 3), -250.0, -250.0),
    "LunarLander-v3": Threshold(500_000, (1, 2, 3), 180.0, 180.0),
}
_EPISODES = 100


def seeds_of(text: str) -> tuple[int, ...]:
    """`1-5` or `1,3,7`."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return tuple(found)


def train(environment: str, seed: int) -> dict[str, Any] | None:
    """One training run with its evaluation; None when it failed."""
    options = ["--env", environment, "--seed", str(seed), "--workers", "1", "--eval-episodes", str(_EPISODES)]
    try:
        report = python_module("bench.contestants.rlreactor_ppo", *options)()
    except Missing as missing:
        progress(f"{environment}, seed {seed}: {missing}")
        return None
    progress(f"{environment}, seed {seed}: {report['eval_return']:.1f} after {report['env_steps']:,} steps")
    return {"seed": seed, **{name: report[name] for name in ("env_steps", "eval_return", "mean_return")}}


def targets_of(environment: str, runs: list[dict[str, Any] | None]) -> list[Target]:
    """Mean, lowest and steps; a run that failed counts as the worst."""
    threshold = THRESHOLDS[environment]
    returns = [float(run["eval_return"]) if run else -float("inf") for run in runs]
    steps = max(run["env_steps"] if run else 0 for run in runs)
    return [
        Target(f"{environment}, mean of seeds", threshold.mean, statistics.fmean(returns)),
        Target(f"{environment}, lowest seed", threshold.lowest, min(returns)),
        Target(f"{environment}, steps", threshold.steps, steps, at_least=False),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", action="append", choices=list(THRESHOLDS), help="may be given several times")
    parser.add_argument("--seeds", type=seeds_of, help="for instance 1-5 or 1,3")
    parser.add_argument("--quick", action="store_true", help="one seed of each")
    options = parser.parse_args()
    jobs = [
        (environment, seed)
        for environment in options.env or THRESHOLDS
        for seed in (options.seeds or THRESHOLDS[environment].seeds)[: 1 if options.quick else None]
    ]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        finished = list(pool.map(train, *zip(*jobs, strict=True)))
    table = Table("PPO", "steps", "seeds", f"mean of {_EPISODES} episodes, by seed")
    targets: list[Target] = []
    measured: dict[str, Any] = {}
    for environment in dict.fromkeys(environment for environment, _ in jobs):
        runs = [run for job, run in zip(jobs, finished, strict=True) if job[0] == environment]
        seeds = [seed for other, seed in jobs if other == environment]
        shown = ", ".join(f"{run['eval_return']:.1f}" if run else "failed" for run in runs)
        steps = max((run["env_steps"] for run in runs if run), default=0)
        table.add_row(environment, f"{steps:,}", ",".join(map(str, seeds)), shown)
        measured[environment] = runs
        targets += targets_of(environment, runs)
    return Report("scores", {"episodes": _EPISODES}, measured, targets).finish(table)


if __name__ == "__main__":
    sys.exit(main())
