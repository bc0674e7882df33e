"""Lock-step by stable-baselines3's SubprocVecEnv; runs in bench/.venv-sb3 and imports nothing from here."""

from __future__ import annotations

import argparse
import importlib
import json
import time
from typing import Any, cast

import gymnasium
import numpy as np


def made(name: str) -> Any:
    """A Gymnasium environment as its users make it, without the checker; Atari with raw frames."""
    if name.startswith("ALE/"):
        gymnasium.register_envs(importlib.import_module("ale_py"))
    make = cast("Any", gymnasium.make)
    return make(name, disable_env_checker=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", required=True)
    parser.add_argument("--environments", type=int, default=16)
    parser.add_argument("--rounds", type=int, required=True)
    options = parser.parse_args()
    vec_env: Any = importlib.import_module("stable_baselines3.common.vec_env")  # not installed where this is checked
    # Forked, which is safe before torch has computed anything: by default every process would import torch anew.
    environments = vec_env.SubprocVecEnv([lambda: made(options.env)] * options.environments, start_method="fork")
    choices = int(environments.action_space.n)
    drawn = np.random.default_rng(0).integers(choices, size=(256, options.environments))
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
