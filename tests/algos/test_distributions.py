"""The closed forms against torch.distributions and its autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rlreactor.algos.distributions import Categorical, DiagonalGaussian
from rlreactor.algos.nature_cnn import to_host

from .helpers import gradient_of, log_probability_of

ROWS = 7
BY_ENTROPY = -0.3


def test_categorical_equals_torch() -> None:
    rng = np.random.default_rng(0)
    logits = 3.0 * rng.standard_normal((ROWS, 5), np.float32)
    actions = rng.integers(0, 5, ROWS)
    by_log_probability = rng.standard_normal(ROWS, np.float32)
    ours = Categorical(logits)

    leaf = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    theirs = torch.distributions.Categorical(logits=leaf)
    log_probability = log_probability_of(theirs, actions)
    entropy: torch.Tensor = theirs.entropy()
    (torch.tensor(by_log_probability) @ log_probability.float()).backward(retain_graph=True)
    (BY_ENTROPY * entropy.sum()).backward()

    np.testing.assert_allclose(ours.log_probability(actions), to_host(log_probability), rtol=1e-5)
    np.testing.assert_allclose(ours.entropy(), to_host(entropy), rtol=1e-5)
    gradient = ours.gradient(actions, by_log_probability, BY_ENTROPY)
    np.testing.assert_allclose(gradient, gradient_of(leaf), rtol=1e-4, atol=1e-6)


def test_gaussian_equals_torch() -> None:
    rng = np.random.default_rng(1)
    mean, log_std = rng.standard_normal((ROWS, 3), np.float32), np.array([-1, 0, 0.5], np.float32)
    actions = rng.standard_normal((ROWS, 3), np.float32)
    by_log_probability = rng.standard_normal(ROWS, np.float32)
    ours = DiagonalGaussian(mean, log_std)

    leaves = [torch.tensor(part, dtype=torch.float64, requires_grad=True) for part in (mean, log_std)]
    theirs = torch.distributions.Normal(leaves[0], leaves[1].exp().expand(ROWS, 3))
    log_probability = log_probability_of(theirs, actions).sum(1)
    entropy: torch.Tensor = theirs.entropy().sum(1)
    (torch.tensor(by_log_probability).double() @ log_probability).backward(retain_graph=True)
    (BY_ENTROPY * entropy.sum()).backward()

    np.testing.assert_allclose(ours.log_probability(actions), to_host(log_probability), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(ours.entropy(), to_host(entropy), rtol=1e-5)
    gradients = ours.gradient(actions, by_log_probability, BY_ENTROPY)
    for gradient, leaf in zip(gradients, leaves, strict=True):
        np.testing.assert_allclose(gradient, gradient_of(leaf), rtol=1e-4, atol=1e-5)


def test_categorical_samples_follow_the_probabilities() -> None:
    rows = 20_000
    logits = np.tile(np.array([0.0, 1.0, -1.0, 2.0], np.float32), (rows, 1))
    actions = Categorical(logits).sample(np.random.default_rng(2))
    probabilities = np.exp(logits[0]) / np.exp(logits[0]).sum()
    frequencies = np.bincount(actions, minlength=4) / rows
    assert actions.dtype == np.int64
    np.testing.assert_allclose(frequencies, probabilities, atol=0.01)


def test_gaussian_samples_follow_mean_and_deviation() -> None:
    mean, log_std = np.full((20_000, 2), 3.0, np.float32), np.array([0.0, -1.0], np.float32)
    actions = DiagonalGaussian(mean, log_std).sample(np.random.default_rng(3))
    assert actions.dtype == np.float32
    np.testing.assert_allclose(actions.mean(0), 3.0, atol=0.03)
    np.testing.assert_allclose(actions.std(0), np.exp(log_std), rtol=0.03)


@pytest.mark.parametrize("scale", [1e4, 1e30])
def test_categorical_survives_extreme_logits(scale: float) -> None:
    distribution = Categorical(np.array([[0.0, scale], [-scale, 0.0]], np.float32))
    actions = distribution.sample(np.random.default_rng(4))
    assert actions.tolist() == distribution.mode().tolist() == [1, 1]
    assert np.isfinite(distribution.log_probability(actions)).all()
    assert np.isfinite(distribution.entropy()).all()
    assert np.isfinite(distribution.gradient(actions, np.ones(2, np.float32), 0.1)).all()
