"""An environment whose observations say what happened to it, at ids like `MODULE:Ledger-v0`."""

from __future__ import annotations

from typing import Any, cast

import gymnasium
import numpy as np
from numpy.typing import NDArray


class Ledger(gymnasium.Env[NDArray[np.float32], int]):
    """Shows [step, sum of actions]; an episode has `length` steps, and the reward is the action."""

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space = cast("gymnasium.Space[int]", gymnasium.spaces.Discrete(1, start=1))

    def __init__(self, length: int = 100) -> None:
        self.length = length
        self.shown = np.zeros(2, np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[NDArray[np.float32], dict[str, Any]]:
        super().reset(seed=seed)
        self.shown[:] = 0
        return self.shown, {}

    def step(self, action: int) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        self.shown += (1, action)
        return self.shown, float(action), bool(self.shown[0] == self.length), False, {}


gymnasium.register("Ledger-v0", entry_point=f"{__name__}:Ledger")
