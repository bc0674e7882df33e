"""Lock-step by a library's own vector environment with its own threads, and nothing else: EnvPool or ale_py.

Every answer counts as steps, also EnvPool's resets.
"""

from __future__ import annotations

import argparse
import importlib
import json
import time
import warnings
from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode


def make(name: str, count: int, threads: int) -> tuple[Any, int]:
    """The vector environment, and how many actions there are to choose from."""
    if name.startswith("envpool:"):
        envpool: Any = importlib.import_module("envpool")  # by name: type checkers need not have it
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of bounds that it gives as float64
            made: Any = envpool.make(
                name.removeprefix("envpool:"), env_type="gymnasium", num_envs=count, num_threads=threads
            )
            return made, int(made.action_space.n)
    import ale_py

    gymnasium.register_envs(ale_py)
    # In its favour: by default, too, the step after the end of an episode is a reset.
    make_vec = cast("Any", gymnasium.make_vec)  # typed for the options it knows
    vector: Any = make_vec(
        name,
        count,
        vectorization_mode="vector_entry_point",
        num_threads=threads,
        autoreset_mode=AutoresetMode.SAME_STEP,
    )
    return vector, int(vector.single_action_space.n)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", required=True)
    parser.add_argument("--environments", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    options = parser.parse_args()
    environments, choices = make(options.env, options.environments, options.threads)
    drawn = np.random.default_rng(0).integers(choices, size=(256, options.environments)).astype(np.int32)
    environments.reset()
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
