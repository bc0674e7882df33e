"""`bench.contestants.catch:Catch-v0`, a game of 84 x 84 pixels that a convolutional network learns within minutes.

A ball falls straight down from a random place, and a paddle is to be under it. The task is that of Mnih et al. 2014,
"Recurrent Models of Visual Attention", section 4.2, drawn larger and with fewer places.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

_SIZE, _FRAMES = 84, 4
_CELLS = 7
_CELL = _SIZE // _CELLS
_WHITE = 255


class Catch(gymnasium.Env[NDArray[np.uint8], np.int64]):
    """Observations are the last four frames, uint8 [4, 84, 84]; actions go left, stay, go right; the reward comes
    with the last step of an episode, 1 for a catch and -1 else."""

    observation_space = gymnasium.spaces.Box(0, _WHITE, (_FRAMES, _SIZE, _SIZE), np.uint8)
    action_space = gymnasium.spaces.Discrete[np.int64](3)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self._row = 0
        self._ball, self._paddle = (int(cell) for cell in self.np_random.integers(_CELLS, size=2))
        self._frames = np.zeros((_FRAMES, _SIZE, _SIZE), np.uint8)
        return self._look(), {}

    def step(self, action: np.int64) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        self._paddle = min(max(self._paddle + int(action) - 1, 0), _CELLS - 1)
        self._row += 1
        over = self._row == _CELLS - 1
        reward = (1.0 if self._paddle == self._ball else -1.0) if over else 0.0
        return self._look(), reward, over, False, {}

    def _look(self) -> NDArray[np.uint8]:
        self._frames[:-1] = self._frames[1:]
        self._frames[-1] = 0
        for row, cell in ((self._row, self._ball), (_CELLS - 1, self._paddle)):
            self._frames[-1, row * _CELL : (row + 1) * _CELL, cell * _CELL : (cell + 1) * _CELL] = _WHITE
        return self._frames.copy()


gymnasium.register("Catch-v0", entry_point=f"{__name__}:Catch")
