"""Something that takes a known time: an environment whose step does nothing else, and how long it really takes."""

from __future__ import annotations

import time
from typing import Any, cast

import gymnasium
import numpy as np
from numpy.typing import NDArray

__all__ = ["Waiting", "spend", "spent"]


def spend(seconds: float, busy: bool) -> None:
    """Let time pass: computing, or asleep."""
    if not busy:
        time.sleep(seconds)
        return
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def spent(seconds: float, busy: bool, times: int = 100) -> float:
    """How long `spend` takes on average: a sleep lasts a little longer than asked for."""
    begun = time.perf_counter()
    for _ in range(times):
        spend(seconds, busy)
    return (time.perf_counter() - begun) / times


class Waiting(gymnasium.Env[NDArray[np.float32], int]):
    """Takes `seconds` a step; its episodes never end."""

    observation_space = gymnasium.spaces.Box(0.0, 1.0, (1,), np.float32)
    action_space = cast("gymnasium.Space[int]", gymnasium.spaces.Discrete(2))

    def __init__(self, seconds: float, busy: bool) -> None:
        self.seconds = seconds
        self.busy = busy

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        return np.zeros(1, np.float32), {}

    def step(self, action: int) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        spend(self.seconds, self.busy)
        return np.zeros(1, np.float32), 0.0, False, False, {}


gymnasium.register("Waiting-v0", entry_point=f"{__name__}:Waiting")
