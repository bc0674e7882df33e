"""Lock-step by Gymnasium's vector environments."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import gymnasium
import numpy as np

from bench.contestants.bare_steps import make


def vector(kind: str, name: str, count: int) -> Any:
    """A process an environment with observations in shared memory, or all in this process, without a copy out."""
    makers = [lambda: make(name)] * count
    if kind == "async":
        return gymnasium.vector.AsyncVectorEnv(makers, shared_memory=True, copy=False)
    return gymnasium.vector.SyncVectorEnv(makers, copy=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", required=True)
    parser.add_argument("--kind", choices=("async", "sync"), required=True)
    parser.add_argument("--environments", type=int, default=16)
    parser.add_argument("--rounds", type=int, required=True)
    options = parser.parse_args()
    environments = vector(options.kind, options.env, options.environments)
    choices = int(environments.single_action_space.n)
    drawn = np.random.default_rng(0).integers(choices, size=(256, options.environments))
    environments.reset(seed=0)
    warm = options.rounds // 10
    begun = time.perf_counter()
    for number in range(options.rounds):
        if number == warm:
            begun = time.perf_counter()
        environments.step(drawn[number % 256])
    seconds = time.perf_counter() - begun
    environments.close()
    rate = (options.rounds - warm) * options.environments / seconds
    print(json.dumps({"steps_per_second": rate}), flush=True)


if __name__ == "__main__":
    main()
