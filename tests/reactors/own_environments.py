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


class Dice(Diary):
    """Throws dice of its own, which nobody seeds, when the action is 4."""

    def __init__(self) -> None:
        super().__init__()
        self.dice = np.random.default_rng()

    def step(self, action: int) -> Answer:
        answer = super().step(action)
        if action == 4:
            self.shown[2] = self.dice.random()
        return answer


class Forgetful(Diary):
    """Says that it carries nothing over to the next episode, and counts its episodes."""

    metadata: dict[str, Any] = {"render_modes": [], "independent_episodes": True}  # noqa: RUF012  # as Gymnasium has it


class Patience(Forgetful):
    """Has three steps more in every episode, and does not show which one it is."""

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[NDArray[np.float32], dict[str, Any]]:
        super().reset(seed=seed)
        self.shown[0] = 0
        self.length += 3
        return self.shown, {}


gymnasium.register("Forgetful-v0", entry_point=f"{__name__}:Forgetful")
gymnasium.register("Dice-v0", entry_point=f"{__name__}:Dice")
gymnasium.register("Patience-v0", entry_point=f"{__name__}:Patience")
gymnasium.register("Diary-v0", entry_point=f"{__name__}:Diary")
gymnasium.register("CutDiary-v0", entry_point=f"{__name__}:Diary", max_episode_steps=3)
gymnasium.register("Narrow-v0", entry_point=f"{__name__}:Narrow")
