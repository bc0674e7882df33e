"""What vector environments of whatever library have in common: options, the loop that steps them, and what it reports.

It is imported in several virtual environments, and needs only numpy.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from bench.contestants.slices import serve_one

__all__ = ["options", "report"]

_DRAWN = 256  # rounds of actions, used again and again: drawing them takes time too


def options(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--env", required=True)
    parser.add_argument("--environments", type=int, default=16)
    parser.add_argument("--rounds", type=int, required=True)
    return parser


def report(environments: Any, choices: int, rounds: int, dtype: type[np.signedinteger[Any]] = np.int64) -> None:
    """Serve slices that step them with actions at random, environment steps a second; then close them.

    Args:
        environments: reset, with `num_envs`, `step(actions)` and `close()`.
        choices: how many actions there are.
        rounds: steps of each environment in a slice, the first tenth of which is warm-up.
        dtype: of the actions, [environments].
    """
    count = int(environments.num_envs)
    drawn = np.random.default_rng(0).integers(choices, size=(_DRAWN, count)).astype(dtype)
    warm = rounds // 10

    def step() -> dict[str, float]:
        begun = time.perf_counter()
        for number in range(rounds):
            if number == warm:
                begun = time.perf_counter()
            environments.step(drawn[number % _DRAWN])
        return {"steps_per_second": (rounds - warm) * count / (time.perf_counter() - begun)}

    serve_one(step)
    environments.close()
