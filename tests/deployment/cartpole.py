"""PPO on CartPole with short updates, as a deployment on any hosts; and what one worker alone comes to."""

from __future__ import annotations

import functools
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rlreactor import run
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.algos.ppo_config import PPOConfig
from rlreactor.algos.ppo_defaults import ppo_defaults
from rlreactor.reactors.environment_spec import EnvironmentSpec, describe
from rlreactor.topologies.on_policy import OnPolicy

__all__ = ["ROOT", "SEED", "alone", "python", "write_spec"]

ROOT = Path(__file__).parents[2]
SEED = 7
python = f"env PYTHONPATH={ROOT} {sys.executable}"
"""What starts this Python with this checkout on every host."""


def topology(updates: int) -> OnPolicy:
    """Two rollouts, two evaluators and a learner; an update takes a few hundredths of a second."""
    environment = EnvironmentSpec(id="CartPole-v1")
    config = PPOConfig.model_validate(
        {**ppo_defaults("CartPole-v1").config.model_dump(), "horizon": 16, "epochs": 2, "minibatch": 128}
    )
    policy = PolicySpec(
        **dict(describe(environment)), network="mlp", hidden=config.hidden, activation=config.activation,
        normalise_observations=config.normalise_observations,
    )  # fmt: skip
    return OnPolicy(
        environment=environment, policy=policy, config=config, rollouts=2, envs_per_rollout=8, updates=updates,
        policy_lag=0, eval_episodes=4,
    )  # fmt: skip


@functools.cache
def alone(updates: int) -> str:
    """SHA-256 of the weights that one worker alone learns."""
    made = topology(updates)
    weights = run(made, workers=1, timeout=made.ticks, seed=SEED).state("learner")["weights"]
    return hashlib.sha256(weights.tobytes()).hexdigest()


def write_spec(path: Path, updates: int, hosts: Sequence[Mapping[str, Any]], **more: Any) -> Path:
    """The same as a deployment's file; `more` are its other parts."""
    made = topology(updates)
    parameters = {name: _plain(value) for name, value in made.parameters.items()}
    spec: dict[str, Any] = {
        "name": "cartpole",
        "topology": {"class": "rlreactor.topologies.on_policy:OnPolicy", "parameters": parameters},
        "hosts": list(hosts),
        "run": {"seed": SEED, "timeout": f"{made.ticks} ns", "metrics": str(path.with_suffix(".jsonl"))},
    }
    path.write_text(json.dumps(spec | more))
    return path


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value
