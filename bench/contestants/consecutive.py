"""Steppers that make k steps for every message: one environment, where a stepper has k of them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlreactor.reactors.environments import Ended, Environments, Final, Rewards, make_environments
from rlreactor.reactors.stepper import Stepper

__all__ = ["Consecutive", "Walker"]


class Consecutive(Environments):
    """Rows are `count` steps of one environment, one after another."""

    def __init__(self, single: Environments, count: int) -> None:
        self.single = single
        self.count = count
        self.spec, self.description = single.spec, single.description

    def reset(self, seeds: Sequence[int], observations: NDArray[Any]) -> None:
        self.single.reset(seeds[:1], observations[:1])
        observations[1:] = observations[0]

    def send(self, actions: NDArray[Any]) -> None:
        self.sent = actions

    def receive(self, observations: NDArray[Any], rewards: Rewards, ended: Ended) -> Final:
        final: Final = {}
        for t in range(self.count):
            row = slice(t, t + 1)
            last = self.single.step(self.sent[row], observations[row], rewards[row], ended[row])
            if last:
                final[t] = np.array(last[0])
        return final

    def close(self) -> None:
        self.single.close()


class Walker(Stepper):
    """Makes `environments` steps of one environment whenever actions for all of them arrive."""

    def make(self) -> None:
        self.groups = [Consecutive(make_environments(self.environment, 1, self.threads), self.environments)]
        self.begin.schedule(0)
