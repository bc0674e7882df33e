"""Environment steps/s of PPO on CartPole-v1 against stable-baselines3: same network, batch and hyper-parameters.

Steady rates leave out everything up to the end of the first update, whole ones start at the command.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import Any

from rich.table import Table

from bench.measure import Contestant, Figures, Missing, Rounds, interleave, ratios, spread, summary
from bench.opponents import sb3_ppo
from bench.program import python_module
from bench.report import Report, Target, progress

_ENVIRONMENTS = 16
_FIGURES = ("steady_steps_per_second", "whole_steps_per_second", "seconds_to_first_update", "env_steps", "mean_return")
OURS = "rlreactor, 2 workers"
THEIRS = {"SB3 DummyVecEnv": "dummy", "SB3 SubprocVecEnv": "subproc"}
_THRESHOLDS = {"SB3 SubprocVecEnv": 3.0, "SB3 DummyVecEnv": 1.75}
_THREADS = (1, 2)  # of torch
_TRIAL_STEPS = 8192


def contestants(steps: int, threads: Mapping[str, int]) -> list[Contestant]:
    """Ours in each of its forms, then theirs."""
    ours = {
        OURS: ("--workers", "2"),
        "rlreactor, 1 worker": ("--workers", "1"),
        "rlreactor, 2 workers, lag 1": ("--workers", "2", "--lag", "1"),
    }
    return [
        *(
            Contestant(name, _figures(python_module("bench.contestants.rlreactor_ppo", *_ours(steps), *options)))
            for name, options in ours.items()
        ),
        *(Contestant(name, _figures(_sb3(kind, threads[kind], steps))) for name, kind in THEIRS.items()),
    ]


def best_threads(kind: str, steps: int) -> int:
    """How many threads of torch suit them best here, by a short trial; 1 when they are missing."""
    rates: dict[int, float] = {}
    for threads in _THREADS:
        progress(f"trial: SB3 {kind}, torch threads {threads}")
        try:
            rates[threads] = float(sb3_ppo(kind, steps, threads=threads)["steady_steps_per_second"])
        except Missing as missing:
            progress(str(missing))
    return max(rates, key=lambda threads: rates[threads], default=1)


def _ours(steps: int) -> tuple[str, ...]:
    return ("--plain", "--envs-per-rollout", str(_ENVIRONMENTS // 2), "--steps", str(steps))


def _sb3(kind: str, threads: int, steps: int) -> Callable[[], dict[str, Any]]:
    return lambda: sb3_ppo(kind, steps, threads=threads)


def _figures(run: Callable[[], dict[str, Any]]) -> Callable[[], Figures]:
    def figures() -> Figures:
        report = run()
        return {name: float(report[name]) for name in _FIGURES}

    return figures


def compare(rounds: Rounds, theirs: str, figure: str) -> list[float] | None:
    """Ours by theirs, round by round; None when they are missing, 0 when we are."""
    if not rounds.of(theirs, figure):
        return None
    return ratios(rounds.of(OURS, figure), rounds.of(theirs, figure)) or [0.0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=61_440, help="environment steps of each run")
    parser.add_argument("--torch-threads", type=int, help="of theirs; what a short trial finds best when not given")
    options = parser.parse_args()
    threads = {kind: options.torch_threads or best_threads(kind, _TRIAL_STEPS) for kind in THEIRS.values()}
    rounds = interleave(contestants(options.steps, threads), options.rounds, progress)

    table = Table("PPO CartPole-v1, 16 environments", "steady steps/s", "whole run steps/s", "first update, s")
    for name in rounds.figures:
        steady, whole, first = (spread(rounds.of(name, figure)) for figure in _FIGURES[:3])
        table.add_row(name, steady.show(), whole.show(), first.show(2))
    for name, reason in rounds.missing.items():
        table.add_row(name, f"missing: {reason}")
    targets: list[Target] = []
    compared: dict[str, Any] = {}
    for theirs, threshold in _THRESHOLDS.items():
        found = {figure: by_round for figure in _FIGURES[:2] if (by_round := compare(rounds, theirs, figure))}
        for figure, by_round in found.items():
            compared[f"{OURS} / {theirs}, {figure}"] = summary(by_round)
            what = f"{figure.partition('_')[0]} rate, ratio to {theirs} (median)"
            targets.append(Target(what, threshold, spread(by_round).median))
        if found:
            table.add_row(f"ratio to {theirs}", *(spread(by_round).show(2) for by_round in found.values()))
    against = {OURS: {kind: summary(both) for kind in THEIRS if (both := compare(rounds, kind, _FIGURES[0]))}}
    measured = {**rounds.as_json(), "ratios": compared}
    settings = {
        "steps": options.steps,
        "rounds": options.rounds,
        "environments": _ENVIRONMENTS,
        "torch_threads": threads,
    }
    return Report("ppo_cartpole_speed", settings, measured, targets, against=against).finish(table)


if __name__ == "__main__":
    sys.exit(main())
