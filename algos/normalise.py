"""Running mean and variance, and rewards scaled by the spread of discounted returns."""

from __future__ import annotations

import numpy as np

from .arrays import Array, Shape

EPSILON = 1e-8
CLIP = 10.0
"""Normalised observations and rewards are cut to [-CLIP, CLIP]."""


class RunningMoments:
    """Mean and variance of everything seen so far, float64 of `shape`.

    Batches are merged as in Chan, Golub & LeVeque 1979, equations 2.1a and 2.1b.
    """

    def __init__(self, shape: Shape = ()) -> None:
        self.mean = np.zeros(shape, np.float64)
        self.variance = np.ones(shape, np.float64)
        self.count = 0

    def update(self, rows: Array) -> None:
        """Take in `rows` [N, *shape]."""
        if len(rows) == 0:
            return
        rows = rows.astype(np.float64)
        n, total = len(rows), self.count + len(rows)
        difference = rows.mean(0) - self.mean
        squares = rows.var(0) * n + self.variance * self.count
        self.variance = (squares + difference**2 * (self.count * n / total)) / total
        self.mean = self.mean + difference * (n / total)
        self.count = total


class RewardScale:
    """Divides rewards by the running standard deviation of the discounted return.

    The mean is left alone: shifting rewards would change the task (Engstrom et al. 2020,
    section 3, "reward scaling"). The return of every environment is carried from batch to batch.
    """

    def __init__(self, discount: float) -> None:
        self.discount = discount
        self.moments = RunningMoments()
        self.returns = np.zeros(0, np.float64)

    def __call__(self, rewards: Array, done: Array) -> Array:
        """Scaled rewards, float32 [T, B]; rewards [T, B] raw, done bool [T, B]."""
        if len(self.returns) == 0:
            self.returns = np.zeros(rewards.shape[1], np.float64)
        self.moments.update(self._discounted(rewards, done).ravel())
        scaled = rewards / np.sqrt(self.moments.variance + EPSILON)
        return np.clip(scaled, -CLIP, CLIP).astype(np.float32)

    def _discounted(self, rewards: Array, done: Array) -> Array:
        returns = np.empty(rewards.shape, np.float64)
        for t, (r_t, done_t) in enumerate(zip(rewards, done, strict=True)):
            self.returns = self.discount * self.returns + r_t
            returns[t] = self.returns
            self.returns = np.where(done_t, 0.0, self.returns)
        return returns
