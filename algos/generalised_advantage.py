"""Generalised advantage estimation (Schulman et al. 2016, equations 11 and 16)."""

from __future__ import annotations

import numpy as np

from .arrays import Array


def generalised_advantage(
    *,
    rewards: Array,
    values: Array,
    terminated: Array,
    truncated: Array,
    bootstrap: Array,
    last_values: Array,
    discount: float,
    gae_lambda: float,
) -> Array:
    """Advantages A_t, float32 [T, B], of T steps in B environments.

    delta_t = r_t + gamma V(s_{t+1}) - V(s_t),  A_t = delta_t + gamma lambda A_{t+1}

    A terminated step has no next state, so its V(s_{t+1}) is 0. A truncated one does have one, but
    it lies outside the batch: its value is in `bootstrap`. After either, the sum starts anew.

    rewards, values, bootstrap: float32 [T, B]; `bootstrap` is read only where truncated
    terminated, truncated: bool [T, B]
    last_values: V of the observation after the last step, float32 [B]
    """
    next_values = np.empty_like(values)
    next_values[:-1] = values[1:]
    next_values[-1] = last_values
    np.copyto(next_values, bootstrap, where=truncated)
    np.copyto(next_values, 0.0, where=terminated)
    advantages: Array = rewards + np.float32(discount) * next_values - values

    carry = np.float32(discount * gae_lambda) * ~(terminated | truncated)
    for t in range(len(advantages) - 2, -1, -1):
        advantages[t] += carry[t] * advantages[t + 1]
    return advantages
