from __future__ import annotations

import pytest

from rlreactor.algos.ppo_defaults import ppo_defaults
from rlreactor.algos.precision import fastest_precision


@pytest.mark.parametrize("environment", ["CartPole-v1", "Pendulum-v1", "ALE/Pong-v5", "Mine-v0"])
def test_defaults_fill_whole_minibatches(environment: str) -> None:
    defaults = ppo_defaults(environment)
    environments = defaults.rollouts * defaults.environments_per_rollout
    rows = defaults.config.horizon * environments
    assert rows % defaults.config.minibatch == 0
    assert defaults.steps >= rows


def test_only_images_are_computed_in_another_precision() -> None:
    assert ppo_defaults("ALE/Pong-v5").config.precision == fastest_precision()
    assert ppo_defaults("CartPole-v1").config.precision == "float32"


def test_images_get_a_convolutional_network() -> None:
    assert ppo_defaults("ALE/Pong-v5").network == "nature_cnn"
    assert ppo_defaults("Mine-v0").network == "mlp"
