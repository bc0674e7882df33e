"""Lock-step by stable-baselines3's SubprocVecEnv; runs in bench/.venv-sb3."""

from __future__ import annotations

import importlib
from typing import Any, cast

import gymnasium

from bench.contestants.vector_steps import options, report


def made(name: str) -> Any:
    """A Gymnasium environment as its users make it, without the checker; Atari with raw frames."""
    if name.startswith("ALE/"):
        gymnasium.register_envs(importlib.import_module("ale_py"))
    make = cast("Any", gymnasium.make)
    return make(name, disable_env_checker=True)


def main() -> None:
    chosen = options(__doc__).parse_args()
    vec_env: Any = importlib.import_module("stable_baselines3.common.vec_env")  # not installed where this is checked
    # Forked, which is safe before torch has computed anything: by default every process would import torch anew.
    environments = vec_env.SubprocVecEnv([lambda: made(chosen.env)] * chosen.environments, start_method="fork")
    environments.reset()
    report(environments, int(environments.action_space.n), chosen.rounds)


if __name__ == "__main__":
    main()
