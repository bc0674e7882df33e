"""One step of each of several environments, in the shortest way: what a step of a few microseconds can spare.

`stepping.c` is the same in C.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NO_CUT", "Stepping", "Unusual"]

Unusual = list[tuple[int, Any, Any, Any]]
"""Index, observation, terminated and truncated of every environment whose step took an unusual turn."""

NO_CUT = 2**63 - 1
"""No step is the last one of an episode whatever happens."""


class Stepping:
    """The `step` of single environments.

    Args:
        steps: of B environments, as Gymnasium has them.
        as_numbers: whether actions that stand in a vector are handed on as numbers of Python's.
    """

    _now: int
    """Steps made so far."""
    _next_cut: int
    """The step at which an episode is cut next."""

    def __init__(self, steps: Sequence[Callable[[Any], Any]], as_numbers: bool, /) -> None:
        self._steps = list(steps)
        self._as_numbers = as_numbers
        self._now = 0
        self._next_cut = NO_CUT

    def step_rows(
        self,
        actions: Any,
        first: int,
        observations: NDArray[Any],
        rewards: NDArray[np.float32],
        ended: NDArray[np.uint8],
        /,
    ) -> dict[int, NDArray[Any]]:
        """Give each environment its action, in turn, and write what came of it.

        Args:
            actions: environment i gets the one at `first` + i.
            first: see `actions`.
            observations: [B, ...]; each receives its row, unless that step is unusual.
            rewards: float32 [B], receives all.
            ended: uint8 [B], receives 0 for all.

        Returns:
            The last observations of episodes that ended: what `_ended` returns, or nothing.
        """
        if first < 0:
            raise ValueError(f"expected the first row of actions, received {first}")
        self._now += 1
        ended.fill(0)
        unusual: Unusual = []
        given = actions[first : first + len(self._steps)]
        if self._as_numbers and getattr(actions, "ndim", 0) == 1:
            given = given.tolist()
        shape = observations.shape[1:]
        for i, step in enumerate(self._steps):
            observation, rewards[i], terminated, truncated, _ = step(given[i])
            if terminated or truncated or getattr(observation, "shape", None) != shape:
                unusual.append((i, observation, terminated, truncated))
            else:
                observations[i] = observation
        return self._ended(unusual, observations, ended) if unusual or self._now == self._next_cut else {}

    def _ended(
        self, unusual: Unusual, observations: NDArray[Any], ended: NDArray[np.uint8], /
    ) -> dict[int, NDArray[Any]]:
        """What is left to do of a step in which episodes ended or are cut, or that showed no array of a row's shape."""
        raise NotImplementedError("a Stepping needs _ended")
