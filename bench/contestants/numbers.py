"""Gymnasium's tabular environments with observations as arrays of numbers: what a small network takes, and Ray ships.

`bench.contestants.numbers:numbers/Blackjack-v1` is the name of the first of them. Whoever takes part steps the same.
"""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import gymnasium
import numpy as np
from numpy.typing import NDArray

__all__ = ["Numbers"]


class Numbers(gymnasium.ObservationWrapper[NDArray[np.float32], int, Any]):
    """Shows a Discrete, or a Tuple of Discrete, as one float32 array."""

    def __init__(self, name: str) -> None:
        make = cast("Any", gymnasium.make)  # typed for the options it knows
        super().__init__(make(name, disable_env_checker=True))
        spaces: Any = self.env.observation_space
        parts = spaces if isinstance(spaces, gymnasium.spaces.Tuple) else (spaces,)
        highest = np.array([part.start + part.n - 1 for part in parts], np.float32)
        self.observation_space = gymnasium.spaces.Box(0.0, highest, dtype=np.float32)

    def observation(self, observation: Any) -> NDArray[np.float32]:
        return np.array(observation, np.float32, ndmin=1)


_register = cast("Any", gymnasium.register)  # whose entry points are typed as functions that take any options
for _name in ("Blackjack-v1", "FrozenLake-v1"):
    _register(f"numbers/{_name}", entry_point=partial(Numbers, _name))
