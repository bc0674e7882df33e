"""How to start whoever rlreactor is compared with, each in its own virtual environment."""

from __future__ import annotations

from typing import Any

from bench.program import start, wait
from bench.setup import python_of

__all__ = ["PPO_OPPONENTS", "ppo_by", "sb3_ppo"]

PPO_OPPONENTS = {
    "SB3 DummyVecEnv": ("sb3", "sb3_ppo", "--vec-env", "dummy"),
    "SB3 SubprocVecEnv": ("sb3", "sb3_ppo", "--vec-env", "subproc"),
    "plain loop on Gymnasium": ("plain", "plain_ppo", "--library", "gymnasium"),
    "plain loop on EnvPool": ("plain", "plain_ppo", "--library", "envpool"),
    "Sample Factory, asynchronous": ("sample-factory", "sample_factory_ppo", "--mode", "async"),
    "Sample Factory, synchronous": ("sample-factory", "sample_factory_ppo", "--mode", "sync"),
    "RLlib": ("ray", "rllib_ppo"),
}
"""Virtual environment, module and its options of everybody who trains with PPO."""


def ppo_by(opponent: str, environment: str, steps: int, *, seed: int = 1, threads: int = 1) -> dict[str, Any]:
    """PPO on one of `bench.contestants.ppo_task.TASKS`, so many environment steps. Raises Missing."""
    virtual_environment, module, *own = PPO_OPPONENTS[opponent]
    options = ["--env", environment, "--steps", str(steps), "--seed", str(seed), "--threads", str(threads), *own]
    return wait(start([python_of(virtual_environment), "-m", f"bench.contestants.{module}", *options]))


def sb3_ppo(vec_env: str, steps: int, *, threads: int = 1) -> dict[str, Any]:
    """PPO on CartPole-v1 by stable-baselines3, 16 environments; `vec_env` is dummy or subproc. Raises Missing."""
    kind = {"dummy": "SB3 DummyVecEnv", "subproc": "SB3 SubprocVecEnv"}[vec_env]
    return ppo_by(kind, "CartPole-v1", steps, threads=threads)
