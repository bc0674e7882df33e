"""The actions of consecutive steps, in as few bytes as they need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlreactor.algos.policy_spec import DiscreteAction
from rlreactor.reactors.environment_spec import EnvironmentDescription

__all__ = ["KeptActions"]

_ROOM = 64  # steps to begin with


class KeptActions:
    """One growing array [steps, B, *action_shape]: mostly a byte for each environment and step.

    Args:
        description: of the environments.
        count: B.
        needed: how many of the last steps are still needed. It is asked when there is no more room, so that up to twice
            as many are kept.
    """

    def __init__(self, description: EnvironmentDescription, count: int, needed: Callable[[], int]) -> None:
        self._needed = needed
        self._rows = np.empty((_ROOM, count, *description.action_shape), _dtype(description))
        self._used = 0

    def append(self, actions: NDArray[Any]) -> None:
        """Keep the actions [B, ...] of another step."""
        if self._used == len(self._rows):
            self.begin_with(self.last(self._needed()))
        self._rows[self._used] = actions
        self._used += 1

    def last(self, steps: int) -> NDArray[Any]:
        """Those of the last so many steps; a view."""
        return self._rows[self._used - steps : self._used]

    def begin_with(self, rows: NDArray[Any]) -> None:
        """Forget all actions but these."""
        room = max(_ROOM, 2 * len(rows))
        kept, self._rows = rows, np.empty((room, *rows.shape[1:]), self._rows.dtype)
        self._rows[: len(kept)] = kept
        self._used = len(kept)


def _dtype(description: EnvironmentDescription) -> np.dtype[Any]:
    action = description.action
    if not isinstance(action, DiscreteAction):
        return np.dtype(description.action_dtype)
    return np.result_type(np.min_scalar_type(action.start), np.min_scalar_type(action.start + action.n - 1))
