"""One step of each of several environments, in the shortest way: what a step of a few microseconds can spare.

`stepping.c` is the same in C.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Unusual", "step_each"]

Unusual = list[tuple[int, Any, Any, Any]]


def step_each(
    steps: Sequence[Callable[[Any], Any]],
    actions: Any,
    observations: NDArray[Any],
    rewards: NDArray[np.float32],
    ended: NDArray[np.uint8],
) -> Unusual:
    """Call `steps[i](actions[i])` for each i in turn, and write what came of it.

    Args:
        steps: of B environments, as Gymnasium has them.
        actions: B of them. Of a vector every environment gets a number of Python's.
        observations: [B, ...]; each receives its row, unless that is among those returned.
        rewards: float32 [B], receives all.
        ended: uint8 [B], receives 0 for all.

    Returns:
        Index, observation, terminated and truncated of every environment whose episode ended, or that showed no array
        of its row's shape.
    """
    unusual: Unusual = []
    shape = observations.shape[1:]
    ended.fill(0)
    given = actions.tolist() if getattr(actions, "ndim", 0) == 1 else actions
    for i, step in enumerate(steps):
        observation, rewards[i], terminated, truncated, _ = step(given[i])
        if terminated or truncated or getattr(observation, "shape", None) != shape:
            unusual.append((i, observation, terminated, truncated))
        else:
            observations[i] = observation
    return unusual
