"""Atari as the emulator draws it: `ALE/Pong-v5` with the option obs_type writes every frame straight into its row."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from ale_py.env import AtariEnv
from numpy.typing import NDArray

from rlreactor.reactors.environments_protocol import Ended, Final, Rewards
from rlreactor.reactors.gymnasium_environments import Limited, make_single
from rlreactor.reactors.single_environments import SingleEnvironments

__all__ = ["AtariFrames", "FrameWriter"]


class FrameWriter(AtariEnv):
    """An AtariEnv that draws its observations into `frame`: uint8, C-contiguous, shaped as its observation space."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        emulator: Any = self.ale
        draw = {"rgb": emulator.getScreenRGB, "grayscale": emulator.getScreenGrayscale, "ram": emulator.getRAM}
        self._draw = draw[self._obs_type]
        self.frame = np.empty(cast("Any", self.observation_space).shape, np.uint8)

    def _get_obs(self) -> NDArray[np.uint8]:
        self._draw(self.frame)
        return self.frame


class AtariFrames(SingleEnvironments):
    """Emulators in this process, each drawing into the row that its reader reads: nothing is copied.

    Options as in AtariEnv; obs_type is "rgb" (observations [210, 160, 3]), "grayscale" [210, 160] or "ram" [128].
    """

    def _make(self) -> Limited:
        return make_single(self.spec, FrameWriter)

    def _reset(self, i: int, observations: NDArray[Any], seed: int | None = None) -> None:
        self._writer(i).frame = observations[i]
        super()._reset(i, observations, seed)

    def _writer(self, i: int) -> FrameWriter:
        return cast("FrameWriter", self._environments[i])

    def step_rows(
        self, actions: NDArray[Any], first: int, observations: NDArray[Any], rewards: Rewards, ended: Ended, /
    ) -> Final:
        for i in range(self.count):
            self._writer(i).frame = observations[i]
        return super().step_rows(actions, first, observations, rewards, ended)
