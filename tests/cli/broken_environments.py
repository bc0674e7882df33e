"""Environments that go wrong, for the tests; `broken_environments:Name-v0` on the command line."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, cast

import gymnasium
import numpy as np
from numpy.typing import NDArray

Answer = tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]


class Steady(gymnasium.Env[NDArray[np.float32], int]):
    """Nothing ever happens; an episode has 50 steps."""

    def __init__(self) -> None:
        self.observation_space = gymnasium.spaces.Box(-1, 1, (3,), np.float32)
        self.action_space = cast("gymnasium.Space[int]", gymnasium.spaces.Discrete(2))
        self.steps = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[NDArray[np.float32], dict[str, Any]]:
        super().reset(seed=seed)
        return np.zeros(3, np.float32), {}

    def step(self, action: int) -> Answer:
        self.steps += 1
        return np.zeros(3, np.float32), 1.0, self.steps % 50 == 0, False, {}


class Raises(Steady):
    """Step 500 raises."""

    def step(self, action: int) -> Answer:
        answer = super().step(action)
        if self.steps == 500:
            raise RuntimeError("the motor is on fire")
        return answer


class Swells(Steady):
    """Step 500 returns an observation of another shape."""

    def step(self, action: int) -> Answer:
        observation, *rest = super().step(action)
        if self.steps == 500:
            observation = np.zeros(4, np.float32)
        return observation, *rest  # type: ignore[return-value]


class Tells(Steady):
    """Opens a pipe at a step, which lets whoever reads from it go on; then it waits for a word from another one."""

    def __init__(self, pipe: str, at: int, wait_for: str = "") -> None:
        super().__init__()
        self._pipe = Path(pipe)
        self._at = at
        self._wait_for = wait_for
        self._told = False

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[NDArray[np.float32], dict[str, Any]]:
        self._tell()
        return super().reset(seed=seed)

    def step(self, action: int) -> Answer:
        answer = super().step(action)
        self._tell()
        return answer

    def _tell(self) -> None:
        if self.steps == self._at and not self._told:
            self._told = True
            self._pipe.write_text("here")
            if self._wait_for:
                Path(self._wait_for).read_text()


class Lingers(Steady):
    """The second one opens a pipe and is never ready."""

    made = 0

    def __init__(self, pipe: str) -> None:
        super().__init__()
        Lingers.made += 1
        if Lingers.made == 2:
            Path(pipe).write_text("here")
            threading.Event().wait()


class Talks(Steady):
    """Prints."""

    def __init__(self, loud: bool = False) -> None:
        super().__init__()
        self._loud = loud

    def step(self, action: int) -> Answer:
        if self._loud:
            print("step", flush=True)
        return super().step(action)


for kind in (Steady, Raises, Swells, Tells, Lingers, Talks):
    gymnasium.register(f"{kind.__name__}-v0", kind)  # type: ignore[arg-type]
