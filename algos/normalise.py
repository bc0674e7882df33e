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
        if len(rows):
            self.merge(moments(rows), len(rows))

    def merge(self, new: Array, n: int) -> None:
        """Take in `n` rows that are known by their `moments` [2, *shape]."""
        mean, variance = new
        total = self.count + n
        difference = mean - self.mean
        squares = variance * n + self.variance * self.count
        self.variance = (squares + difference**2 * (self.count * n / total)) / total
        self.mean = self.mean + difference * (n / total)
        self.count = total


def moments(rows: Array) -> Array:
    """Mean and variance of `rows` [N, *shape], float64 [2, *shape]."""
    rows = rows.astype(np.float64)
    return np.stack([rows.mean(0), rows.var(0)])


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
        self.moments.update(self.discounted(rewards, done).ravel())
        return self.scaled(rewards)

    def scaled(self, rewards: Array) -> Array:
        """`rewards` [T, B] by the spread of what `moments` has taken in."""
        scaled = rewards / np.sqrt(self.moments.variance + EPSILON)
        return np.clip(scaled, -CLIP, CLIP).astype(np.float32)

    def discounted(self, rewards: Array, done: Array) -> Array:
        """The discounted return after every step, float64 [T, B]; the last ones are carried to the next batch."""
        if len(self.returns) == 0:
            self.returns = np.zeros(rewards.shape[1], np.float64)
        returns = np.empty(rewards.shape, np.float64)
        for t, (r_t, done_t) in enumerate(zip(rewards, done, strict=True)):
            self.returns = self.discount * self.returns + r_t
            returns[t] = self.returns
            self.returns = np.where(done_t, 0.0, self.returns)
        return returns
