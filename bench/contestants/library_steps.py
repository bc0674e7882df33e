"""Lock-step by a library's own vector environment with its own threads, and nothing else: EnvPool or ale_py.

Every answer counts as steps, also EnvPool's resets.
"""

from __future__ import annotations

import importlib
import warnings
from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from bench.contestants.vector_steps import options, report


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
    parser = options(__doc__)
    parser.add_argument("--threads", type=int, required=True)
    chosen = parser.parse_args()
    environments, choices = make(chosen.env, chosen.environments, chosen.threads)
    environments.reset()
    report(environments, choices, chosen.rounds, np.int32)


if __name__ == "__main__":
    main()
