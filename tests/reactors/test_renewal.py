"""A run whose reactors go through a snapshot before every reaction is the same run, byte for byte."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from rlreactor import Result, run
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.algos.ppo_config import PPOConfig
from rlreactor.reactors.environment_spec import EnvironmentSpec, describe
from rlreactor.topologies import lock_step, on_policy

from . import renewal

CART_POLE = EnvironmentSpec(id="CartPole-v1", options={"max_episode_steps": 20})
PONG = EnvironmentSpec(id="ALE/Pong-v5", options={"max_num_frames_per_episode": 60})


def renew_in(topology: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a topology have reactors that go through snapshots."""
    for name in ("Rollout", "Learner", "SharedLearner", "Stepper", "RandomDriver", "Inference"):
        if hasattr(topology, name):
            monkeypatch.setattr(topology, name, getattr(renewal, f"Renewed{name}"))


def policy_of(environment: EnvironmentSpec, **options: Any) -> PolicySpec:
    return PolicySpec(**dict(describe(environment)), **options)


def trained(parameters: dict[str, Any]) -> Result:
    topology = on_policy.OnPolicy(**parameters)
    return run(topology, workers=1, timeout=topology.ticks, seed=4)


@pytest.mark.parametrize(("environment", "network", "options"), [
    (CART_POLE, {"hidden": (16, 16)}, {"groups": 2}),
    (CART_POLE, {"hidden": (16, 16)}, {"policy_lag": 2, "learners": 2}),
    (PONG, {"network": "nature_cnn"}, {"updates": 2}),
    (EnvironmentSpec(id="envpool:CartPole-v1"), {"hidden": (16, 16)}, {"groups": 2}),
], ids=["perceptron", "two learners", "images", "EnvPool"])  # fmt: skip
def test_training(
    environment: EnvironmentSpec, network: dict[str, Any], options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if environment.id.startswith("envpool:"):
        pytest.importorskip("envpool")
    config = PPOConfig(horizon=8, minibatch=8, epochs=1, normalise_rewards=True, **_hidden(network))
    parameters: dict[str, Any] = {
        "environment": environment, "policy": policy_of(environment, **network), "config": config, "rollouts": 2,
        "envs_per_rollout": 2, "updates": 4, "eval_episodes": 2, **options,
    }  # fmt: skip
    plain = trained(parameters)
    renew_in(on_policy, monkeypatch)
    through_snapshots = trained(parameters)
    assert plain.fingerprint == through_snapshots.fingerprint
    name = "learner_bank[1]" if options.get("learners") else "learner"
    assert plain.state(name)["weights"].tobytes() == through_snapshots.state(name)["weights"].tobytes()


def _hidden(network: dict[str, Any]) -> dict[str, Any]:
    return {"hidden": network["hidden"]} if "hidden" in network else {}


@pytest.mark.parametrize("policy", [None, {"hidden": (16, 16)}], ids=["at random", "by a policy"])
def test_lock_step(policy: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters: dict[str, Any] = {
        "environment": CART_POLE, "description": describe(CART_POLE), "crews": 1, "crew": 2, "environments": 2,
        "ring": 2, "policy": None if policy is None else policy_of(CART_POLE, **policy),
    }  # fmt: skip
    plain = stepped(parameters)
    renew_in(lock_step, monkeypatch)
    assert stepped(parameters).fingerprint == plain.fingerprint


def stepped(parameters: dict[str, Any]) -> Result:
    topology = lock_step.LockStep(**parameters)
    return run(topology, workers=1, timeout=topology.ticks(120), seed=2)
