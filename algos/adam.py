"""Adam over one flat vector, in place (Kingma & Ba 2015, algorithm 1)."""

from __future__ import annotations

import math

import numpy as np

from .arrays import Array

BETA_1 = 0.9
BETA_2 = 0.999
EPSILON = 1e-5
"""Larger than the paper's 1e-8: usual for policy gradients, whose second moments can vanish."""


class Adam:
    """Moments m and v and the step count t for `size` float32 parameters."""

    def __init__(self, size: int) -> None:
        self.m = np.zeros(size, np.float32)
        self.v = np.zeros(size, np.float32)
        self.t = 0
        self._scratch = np.empty(size, np.float32)

    def step(self, parameters: Array, gradient: Array, *, learning_rate: float, scale: float = 1.0) -> None:
        """Move `parameters` [size] against `scale * gradient` [size].

        The paper's bias corrections are folded into the two scalars, and the factor of v undoes
        the one that m has left in the scratch array: each pass over the vector that is saved
        counts when a minibatch takes a hundred microseconds.
        """
        self.t += 1
        g = self._scratch
        np.multiply(gradient, np.float32((1.0 - BETA_1) * scale), out=g)
        self.m *= np.float32(BETA_1)
        self.m += g
        np.square(g, out=g)
        g *= np.float32((1.0 - BETA_2) / (1.0 - BETA_1) ** 2)
        self.v *= np.float32(BETA_2)
        self.v += g

        correction = math.sqrt(1.0 - BETA_2**self.t)
        np.sqrt(self.v, out=g)
        g += np.float32(EPSILON * correction)
        np.divide(self.m, g, out=g)
        g *= np.float32(learning_rate * correction / (1.0 - BETA_1**self.t))
        parameters -= g


def clip_scale(gradient: Array, max_gradient_norm: float) -> tuple[float, float]:
    """Euclidean norm of `gradient`, and the factor that brings it to at most the maximum."""
    norm = math.sqrt(float(np.dot(gradient, gradient)))
    return norm, min(1.0, max_gradient_norm / (norm + 1e-6))
