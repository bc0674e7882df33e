"""Environments whose every observation says what happened to them; `own_environments` registers them."""

from __future__ import annotations

from typing import Any, cast

import gymnasium
import numpy as np
from numpy.typing import NDArray

Answer = tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]


class Diary(gymnasium.Env[NDArray[np.float32], int]):
    """Shows [episode, step, sum of actions]; ends after `length` steps, or never, and gives the action as reward.

    It shows the same array again and again, as environments may.
    """

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (3,), np.float32)
    action_space = cast("gymnasium.Space[int]", gymnasium.spaces.Discrete(5))

    def __init__(self, length: int = 0) -> None:
        self.length = length
        self.shown = np.zeros(3, np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[NDArray[np.float32], dict[str, Any]]:
        super().reset(seed=seed)
        self.shown[:] = (self.shown[0] + 1, 0, 0)
        return self.shown, {}

    def step(self, action: int) -> Answer:
        self.shown[1:] += (1, action)
        return self.shown, float(action), bool(self.shown[1] == self.length), False, {}


class Narrow(Diary):
    """Shows fewer numbers than it said."""

    def step(self, action: int) -> Answer:
        observation, *rest = super().step(action)
        return observation[:1], *rest  # type: ignore[return-value]


gymnasium.register("Diary-v0", entry_point=f"{__name__}:Diary")
gymnasium.register("CutDiary-v0", entry_point=f"{__name__}:Diary", max_episode_steps=3)
gymnasium.register("Narrow-v0", entry_point=f"{__name__}:Narrow")
