"""What a convolutional network learns in bfloat16, and how fast, beside float32: Catch, 84 x 84 x 4, several seeds.

Seeds are run in turn, first in the one precision and then in the other; rates leave out the first update.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from itertools import count
from typing import Any

from rich.table import Table

from bench.measure import Contestant, Figures, Rounds, interleave, ratios, spread
from bench.ppo_speed import standard_errors
from bench.program import python_module
from bench.report import Report, Target, progress

_PRECISIONS = ("bfloat16", "float32")
_RATE, _EVALUATION, _CURVE = "steady_steps_per_second", "eval_return", "mean_return"
_CHANGES = {"minibatch": 64, "anneal_learning_rate": False}
"""To the hyper-parameters of Atari: they are for millions of steps."""
_LEARNT = 0.5
"""A return that shows that something was learnt: 1 is a catch every time, -0.7 what chance gives."""
_NOISE = 2.0
"""Standard errors by which the mean of one may lie below the other's and still be called equal."""


def contestant(precision: str, steps: int, threads: int) -> Contestant:
    """Training with nearly the hyper-parameters of Atari, each round with the next seed."""
    seeds = count(1)
    options = ["--env", "bench.contestants.catch:Catch-v0", "--like", "ALE/Pong-v5", "--steps", str(steps)]
    options += ["--config", json.dumps({"precision": precision, **_CHANGES})]
    options += ["--threads", str(threads), "--eval-episodes", "200"]

    def run() -> Figures:
        report = python_module("bench.contestants.rlreactor_ppo", *options, "--seed", str(next(seeds)))()
        return {name: float(report[name]) for name in (_RATE, _EVALUATION, _CURVE)}

    return Contestant(precision, run)


def targets_of(rounds: Rounds) -> list[Target]:
    """Something was learnt, and returns are equal within noise."""
    learnt = rounds.of("float32", _EVALUATION)
    targets = [Target("return after training, float32", _LEARNT, statistics.fmean(learnt))] if learnt else []
    for figure, what in ((_EVALUATION, "after training"), (_CURVE, "while training")):
        above = standard_errors(*(rounds.of(precision, figure) for precision in _PRECISIONS))
        if above is not None:
            targets.append(Target(f"return {what}, bfloat16 above float32, in standard errors", -_NOISE, above))
    return targets


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=30_720)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    contestants = [contestant(precision, options.steps, options.threads) for precision in _PRECISIONS]
    rounds = interleave(contestants, options.seeds, progress)
    table = Table(f"PPO Catch, {options.steps:,} steps", "steady steps/s", "return after training, by seed", "mean")
    for name in rounds.figures:
        after = rounds.of(name, _EVALUATION)
        shown = ", ".join(f"{value:.2f}" for value in after)
        table.add_row(name, spread(rounds.of(name, _RATE)).show(), shown, f"{statistics.fmean(after):.3f}")
    for name, reason in rounds.missing.items():
        table.add_row(name, f"missing: {reason}")
    both = ratios(*(rounds.of(precision, _RATE) for precision in _PRECISIONS))
    if both:
        table.add_row("bfloat16 : float32", spread(both).show(2))
    measured: dict[str, Any] = {**rounds.as_json(), "ratios": both}
    settings = {"seeds": options.seeds, "steps": options.steps, "threads": options.threads}
    return Report("ppo_precision", settings, measured, targets_of(rounds)).finish(table)


if __name__ == "__main__":
    sys.exit(main())
