"""Ordinary hyper-parameters of PPO for known environments; all of them are open to the user."""

from __future__ import annotations

from typing import NamedTuple

from .policy_spec import NetworkName
from .ppo_config import PPOConfig
from .precision import fastest_precision


class PPODefaults(NamedTuple):
    """What a training run of one environment starts from."""

    config: PPOConfig
    rollouts: int
    """Rollout reactors; part of the program, so never derived from the machine."""
    environments_per_rollout: int
    steps: int
    """Environment steps of the whole run."""
    network: NetworkName = "mlp"


_CART_POLE = PPOConfig(anneal_learning_rate=True, minibatch=256, learning_rate=1e-3, discount=0.98)
_NORMALISING = PPOConfig(
    anneal_learning_rate=True,
    minibatch=128,
    epochs=8,
    learning_rate=5e-4,
    normalise_observations=True,
    normalise_rewards=True,
)
_LUNAR_LANDER = PPOConfig(
    anneal_learning_rate=True,
    horizon=256,
    epochs=4,
    learning_rate=5e-4,
    discount=0.999,
    gae_lambda=0.98,
    entropy_coefficient=0.01,
    normalise_rewards=True,
)
_ACROBOT = PPOConfig(
    anneal_learning_rate=True,
    horizon=256,
    epochs=4,
    learning_rate=5e-4,
    gae_lambda=0.94,
    normalise_observations=True,
    normalise_rewards=True,
)
_ATARI = PPOConfig(
    anneal_learning_rate=True,
    minibatch=256,
    epochs=4,
    learning_rate=2.5e-4,
    clip=0.1,
    entropy_coefficient=0.01,
)

_BY_ENVIRONMENT = {
    "CartPole-v1": PPODefaults(_CART_POLE, 2, 8, 100_000),
    "Acrobot-v1": PPODefaults(_ACROBOT, 2, 8, 300_000),
    "Pendulum-v1": PPODefaults(_NORMALISING, 2, 8, 300_000),
    "LunarLander-v3": PPODefaults(_LUNAR_LANDER, 2, 8, 500_000),
}
_ATARI_DEFAULTS = PPODefaults(_ATARI, 2, 4, 10_000_000, "nature_cnn")
_OTHERWISE = PPODefaults(_NORMALISING, 2, 8, 1_000_000)


def ppo_defaults(environment: str) -> PPODefaults:
    """Defaults for a Gymnasium environment by its id; unknown ones get a generic set.

    Only the precision for images depends on the processor that this is asked on.
    """
    if environment.startswith("ALE/"):
        config = _ATARI.model_copy(update={"precision": fastest_precision()})
        return _ATARI_DEFAULTS._replace(config=config)
    return _BY_ENVIRONMENT.get(environment, _OTHERWISE)
