"""simple_spread of PettingZoo's particle environments: n agents that cover n landmarks without running into each other.

Lowe et al. 2017, "Multi-Agent Actor-Critic for Mixed Cooperative-Competitive Environments".
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Spread"]

_SILENT = {"PYGAME_HIDE_SUPPORT_PROMPT": "1", "SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"}


class Spread:
    """As everybody steps it: PettingZoo's parallel interface, and a new episode as soon as one is over.

    Attributes:
        observations: float32 [agents, 6 * agents]: own speed and place, and where landmarks and others are and say.
    """

    def __init__(self, agents: int) -> None:
        self._environment: Any = _module().parallel_env(N=agents)
        self._names = [f"agent_{index}" for index in range(agents)]
        self.observations: NDArray[np.float32] = np.empty((agents, self.features(agents)), np.float32)
        self._show(self._environment.reset(seed=0)[0])

    @staticmethod
    def features(agents: int) -> int:
        """Of an agent's observation."""
        return 6 * agents

    def step(self, actions: Sequence[int]) -> None:
        """In place: who shows `observations` to others gives them a copy."""
        seen = self._environment.step(dict(zip(self._names, actions, strict=True)))[0]
        self._show(seen if self._environment.agents else self._environment.reset()[0])

    def _show(self, seen: Any) -> None:
        for row, name in zip(self.observations, self._names, strict=True):
            row[:] = seen[name]


def _module() -> Any:
    """By name: type checkers need not have it. Raises SystemExit when it is not installed."""
    os.environ.update({name: value for name, value in _SILENT.items() if name not in os.environ})
    try:
        return importlib.import_module("mpe2.simple_spread_v3")
    except ImportError:
        raise SystemExit("simple_spread needs mpe2: pip install 'rlreactor[multiagent]'") from None
