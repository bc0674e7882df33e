"""What a group of environments does, whoever steps it.

Every kind starts a new episode in the same step in which the old one ended, and hands out the last observation of the
old one apart: termination and truncation stay distinguishable, and nothing that did not happen gets into a batch.
Everything else is written into memory that the caller gives, which is most often the memory that its reader reads.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlreactor.reactors.environment_spec import EnvironmentDescription

__all__ = ["TERMINATED", "TRUNCATED", "Ended", "Environments", "Final", "Rewards", "ending"]

TERMINATED, TRUNCATED = 1, 2
"""How an episode ended, as bits of one byte; 0 where it goes on."""

Rewards = NDArray[np.float32]
Ended = NDArray[np.uint8]
Final = dict[int, NDArray[Any]]
"""Last observation of every episode that ended, by environment; the caller's to keep."""


def ending(terminated: bool, truncated: bool) -> int:
    """The bits of one environment's `ended`."""
    return TERMINATED * bool(terminated) | TRUNCATED * bool(truncated)


class Environments(ABC):
    """B environments of one kind.

    `send` and `receive` are the halves of `step`: where threads step the environments, the caller can do something
    else in between.
    """

    description: EnvironmentDescription
    count: int

    @abstractmethod
    def reset(self, seeds: Sequence[int], observations: NDArray[Any]) -> None:
        """Start B episodes; `observations` [B, *observation_shape] receives the first ones."""

    @abstractmethod
    def send(self, actions: NDArray[Any]) -> None:
        """Begin one step in each. `actions` [B, ...] must stay as they are until `receive`."""

    @abstractmethod
    def receive(self, observations: NDArray[Any], rewards: Rewards, ended: Ended) -> Final:
        """End the step that was begun.

        Args:
            observations: [B, *observation_shape], receives the next ones, first ones where an episode ended.
            rewards: float32 [B].
            ended: uint8 [B], receives bits of TERMINATED and TRUNCATED.
        """

    def step(self, actions: NDArray[Any], observations: NDArray[Any], rewards: Rewards, ended: Ended) -> Final:
        """`send`, and then `receive`."""
        self.send(actions)
        return self.receive(observations, rewards, ended)

    @abstractmethod
    def close(self) -> None:
        """Give back what the environments hold."""
