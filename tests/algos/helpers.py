"""What several tests of `algos` need: specs, random batches, a reference network in torch."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch

from rlreactor.algos.arrays import Array
from rlreactor.algos.batch import Batch, batch_layout
from rlreactor.algos.nature_cnn import to_host
from rlreactor.algos.policy import Policy
from rlreactor.algos.policy_spec import BoxAction, DiscreteAction, PolicySpec

BOX = BoxAction(shape=(2,), low=(-1.0, -2.0), high=(1.0, 2.0))


def discrete(**options: Any) -> PolicySpec:
    return PolicySpec(observation_shape=(3,), action=DiscreteAction(n=4), **options)


def box(**options: Any) -> PolicySpec:
    return PolicySpec(observation_shape=(3,), action=BOX, **options)


def images(action: DiscreteAction | BoxAction, **options: Any) -> PolicySpec:
    return PolicySpec(
        observation_shape=(2, 36, 40),
        observation_dtype="uint8",
        action=action,
        network="nature_cnn",
        **options,
    )


def random_observations(spec: PolicySpec, rows: int, rng: np.random.Generator) -> Array:
    if spec.observation_dtype == "uint8":
        return rng.integers(0, 256, (rows, *spec.observation_shape), np.uint8)
    return rng.standard_normal((rows, *spec.observation_shape), np.float32)


def random_batch(spec: PolicySpec, flat: Array, *, horizon: int, environments: int, seed: int) -> Batch:
    """A batch as a rollout would hand over, from observations that follow no dynamics."""
    rng = np.random.default_rng(seed)
    layout = batch_layout(spec, horizon, environments)
    fields = {name: np.zeros(shape, dtype) for name, (dtype, shape) in layout.items()}
    policy = Policy(spec, flat)
    for t in range(horizon):
        observations = random_observations(spec, environments, rng)
        actions, log_probabilities, values = policy.act(observations, rng)
        fields["observations"][t], fields["actions"][t] = observations, actions
        fields["log_probabilities"][t], fields["values"][t] = log_probabilities, values
    steps = (horizon, environments)
    fields["rewards"][:] = rng.standard_normal(steps)
    fields["terminated"][:] = rng.random(steps) < 0.1
    fields["truncated"][:] = (rng.random(steps) < 0.1) & ~fields["terminated"]
    fields["bootstrap"][:] = rng.standard_normal(steps)
    fields["last_values"][:] = rng.standard_normal(environments)
    return Batch(**fields)


def gradient_of(leaf: torch.Tensor) -> Array:
    assert leaf.grad is not None
    return to_host(leaf.grad)


def log_probability_of(policy: torch.distributions.Distribution, actions: Array) -> torch.Tensor:
    """torch leaves `log_prob` without types."""
    log_probability: torch.Tensor = cast(Any, policy).log_prob(torch.tensor(actions))
    return log_probability
