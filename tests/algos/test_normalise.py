from __future__ import annotations

import numpy as np

from rlreactor.algos.normalise import RewardScale, RunningMoments


def test_running_moments_equal_those_of_the_concatenation() -> None:
    rng = np.random.default_rng(0)
    parts = [1e3 + rng.standard_normal((rows, 3)) * [1, 10, 0.1] for rows in (5, 0, 1, 200, 17)]
    moments = RunningMoments((3,))
    for part in parts:
        moments.update(part)
    everything = np.concatenate(parts)
    assert moments.count == len(everything)
    np.testing.assert_allclose(moments.mean, everything.mean(0))
    np.testing.assert_allclose(moments.variance, everything.var(0))


def test_rewards_are_divided_by_the_deviation_of_discounted_returns() -> None:
    """Returns are carried over batches and start anew after an episode."""
    rng = np.random.default_rng(1)
    rewards, done = rng.standard_normal((20, 2), np.float32), rng.random((20, 2)) < 0.2
    returns = np.zeros((20, 2))
    for t in range(20):
        before = returns[t - 1] * ~done[t - 1] if t else 0.0
        returns[t] = 0.9 * before + rewards[t]
    scale = RewardScale(0.9)
    scale(rewards[:8], done[:8])
    received = scale(rewards[8:], done[8:])
    np.testing.assert_allclose(received, rewards[8:] / returns.std(), rtol=1e-5)
