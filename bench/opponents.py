"""How to start whoever rlreactor is compared with, each in its own virtual environment."""

from __future__ import annotations

from typing import Any

from bench.machine import ROOT
from bench.program import start, wait
from bench.setup import python_of

__all__ = ["sb3_ppo"]


def sb3_ppo(vec_env: str, steps: int, *, threads: int = 1, environments: int = 16) -> dict[str, Any]:
    """PPO on CartPole-v1 by stable-baselines3; `vec_env` is dummy or subproc. Raises Missing."""
    script = ROOT / "bench" / "contestants" / "sb3_ppo.py"
    options = ["--vec-env", vec_env, "--steps", str(steps), "--threads", str(threads)]
    return wait(start([python_of("sb3"), script, *options, "--environments", str(environments)]))
