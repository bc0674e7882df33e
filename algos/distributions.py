"""Action distributions with the gradients of log-probability and entropy in closed form.

Everything is numpy: a network on another device copies its few outputs here and gets the gradient
with respect to them back, so that the mathematics of the loss exists once. B rows, A actions or
action components. `gradient` takes the derivative of a loss by each row's log-probability and by
every row's entropy, and returns it by the parameters.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from .arrays import Array
from .outputs import Outputs

HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


@lru_cache(maxsize=64)
def _row_numbers(rows: int) -> Array:
    return np.arange(rows)


class Categorical:
    """pi(a) = exp(logits[a]) / sum exp(logits); logits float32 [B, A]."""

    __slots__ = ("_exponentials", "_log_total", "_rows", "_shifted", "_total")

    def __init__(self, logits: Array) -> None:
        self._rows = _row_numbers(len(logits))
        self._shifted = logits - np.maximum.reduce(logits, axis=1, keepdims=True)
        self._exponentials = np.exp(self._shifted)
        self._total = np.add.reduce(self._exponentials, axis=1)
        self._log_total = np.log(self._total)

    def sample(self, rng: np.random.Generator) -> Array:
        """Actions, int64 [B].

        argmax of p / E with E ~ Exp(1) is the Gumbel-max trick (Maddison et al. 2014, section 2)
        without its logarithms.
        """
        race: Array = rng.standard_exponential(self._exponentials.shape)
        np.divide(self._exponentials, race, out=race)
        actions: Array = race.argmax(1)
        return actions

    def mode(self) -> Array:
        actions: Array = self._shifted.argmax(1)
        return actions

    def log_probability(self, actions: Array) -> Array:
        """log pi(a), float32 [B]; actions int64 [B]."""
        chosen: Array = self._shifted[self._rows, actions]
        chosen -= self._log_total
        return chosen

    def entropy(self) -> Array:
        """H = -sum p log p, float32 [B]."""
        mean_shifted = np.add.reduce(self._exponentials * self._shifted, axis=1) / self._total
        entropy: Array = self._log_total - mean_shifted
        return entropy

    def gradient(self, actions: Array, by_log_probability: Array, by_entropy: float) -> Array:
        """By the logits, [B, A]: d log pi(a) = onehot(a) - p and dH = -p (log p + H)."""
        p = self._exponentials / self._total[:, None]
        by_logits: Array = by_log_probability[:, None]
        if by_entropy != 0.0:
            surprise = self._shifted - np.add.reduce(p * self._shifted, axis=1, keepdims=True)
            by_logits = by_logits + np.float32(by_entropy) * surprise
        by_logits = -p * by_logits
        by_logits[self._rows, actions] += by_log_probability
        return by_logits


class DiagonalGaussian:
    """Independent normals; mean float32 [B, A], log_std float32 [A]."""

    __slots__ = ("_inverse_std", "_log_std", "_mean", "_std")

    def __init__(self, mean: Array, log_std: Array) -> None:
        self._mean = mean
        self._log_std = log_std
        self._std = np.exp(log_std)
        self._inverse_std = np.reciprocal(self._std)

    def sample(self, rng: np.random.Generator) -> Array:
        """Actions, float32 [B, A], not clipped to any bounds."""
        noise = rng.standard_normal(self._mean.shape, np.float32)
        noise *= self._std
        noise += self._mean
        return noise

    def mode(self) -> Array:
        return self._mean.copy()

    def log_probability(self, actions: Array) -> Array:
        """log pi(a), float32 [B]; actions float32 [B, A]."""
        standardised = (actions - self._mean) * self._inverse_std
        np.square(standardised, out=standardised)
        log_probability: Array = np.add.reduce(standardised, axis=1)
        log_probability *= np.float32(-0.5)
        log_probability -= self._log_normaliser()
        return log_probability

    def entropy(self) -> Array:
        """H = sum (log sigma + (1 + log 2 pi) / 2), the same for each row, float32 [B]."""
        components = len(self._log_std)
        entropy = self._log_normaliser() + np.float32(0.5 * components)
        return np.full(len(self._mean), entropy, np.float32)

    def gradient(self, actions: Array, by_log_probability: Array, by_entropy: float) -> tuple[Array, Array]:
        """By mean [B, A] and by log_std [A].

        d log pi = (a - mu) / sigma^2 by mu and ((a - mu) / sigma)^2 - 1 by log sigma.
        """
        standardised = (actions - self._mean) * self._inverse_std
        weighted = standardised * by_log_probability[:, None]
        by_log_std = np.add.reduce(weighted * standardised, axis=0)
        by_log_std -= np.add.reduce(by_log_probability)
        by_log_std += np.float32(by_entropy * len(self._mean))
        weighted *= self._inverse_std
        return weighted, by_log_std

    def _log_normaliser(self) -> np.float32:
        components = len(self._log_std)
        return np.float32(np.add.reduce(self._log_std) + components * HALF_LOG_TWO_PI)


Distribution: TypeAlias = Categorical | DiagonalGaussian


def distribution_of(outputs: Outputs) -> Distribution:
    if outputs.log_std is None:
        return Categorical(outputs.head)
    return DiagonalGaussian(outputs.head, outputs.log_std)
