"""What vector environments of whatever library have in common: options, the loop that steps them, and what it reports.

It is imported in several virtual environments, and needs only numpy.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np

__all__ = ["options", "report"]

_DRAWN = 256  # rounds of actions, used again and again: drawing them takes time too


def options(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--env", required=True)
    parser.add_argument("--environments", type=int, default=16)
    parser.add_argument("--rounds", type=int, required=True)
    return parser


def report(environments: Any, choices: int, rounds: int, dtype: type[np.signedinteger[Any]] = np.int64) -> None:
    """Step them with actions at random, close them, and print environment steps a second; a tenth is warm-up.

    Args:
        environments: reset, with `num_envs`, `step(actions)` and `close()`.
        choices: how many actions there are.
        rounds: steps of each environment.
        dtype: of the actions, [environments].
    """
    count = int(environments.num_envs)
    drawn = np.random.default_rng(0).integers(choices, size=(_DRAWN, count)).astype(dtype)
    warm = rounds // 10
    begun = time.perf_counter()
    for number in range(rounds):
        if number == warm:
            begun = time.perf_counter()
        environments.step(drawn[number % _DRAWN])
    seconds = time.perf_counter() - begun
    environments.close()
    print(json.dumps({"steps_per_second": (rounds - warm) * count / seconds}), flush=True)
