"""What a group of environments does, whoever steps it.

Every kind starts a new episode in the same step in which the old one ended, and hands out the last observation of the
old one apart: termination and truncation stay distinguishable, and nothing that did not happen gets into a batch.
Everything else is written into memory that the caller gives, which is most often the memory that its reader reads.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlreactor.reactors.environment_spec import EnvironmentDescription, EnvironmentProblem, EnvironmentSpec

__all__ = ["TERMINATED", "TRUNCATED", "Ended", "Environments", "Final", "Rewards", "ending", "not_as_it_was"]

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

    spec: EnvironmentSpec
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

    def step_rows(
        self, actions: NDArray[Any], first: int, observations: NDArray[Any], rewards: Rewards, ended: Ended, /
    ) -> Final:
        """`step` with B of more actions: those from row `first` on."""
        return self.step(actions[first : first + self.count], observations, rewards, ended)

    def to_snapshot(self) -> dict[str, Any]:
        """What brings others like these to where these are, when no step is under way: plain data, and views of it.

        Raises EnvironmentProblem where nothing has been kept for it (`make_environments(..., kept=True)`).
        """
        raise EnvironmentProblem(
            f"environment {self.spec.id!r}: what a snapshot needs of it has not been kept; make it with kept=True"
        )

    def from_snapshot(self, saved: Mapping[str, Any]) -> None:
        """Go from the start, without a reset, to where the environments were that `saved` is of.

        Raises EnvironmentProblem where they do not show then, bit for bit, what those had shown last.
        """
        if saved:
            self._compare(self._replayed(saved), saved["observations"])

    def _replayed(self, saved: Mapping[str, Any]) -> NDArray[Any]:
        """Make all steps again; returns what is shown at last."""
        shown: NDArray[Any] = np.empty_like(saved["observations"])
        rewards, ended = np.empty(self.count, np.float32), np.empty(self.count, np.uint8)
        self.reset(saved["seeds"], shown)
        for actions in saved["actions"]:
            self.step(actions.astype(self.description.action_dtype), shown, rewards, ended)
        return shown

    def _compare(self, shown: NDArray[Any], expected: NDArray[Any]) -> None:
        for i, (now, then) in enumerate(zip(shown, expected, strict=True)):
            if now.tobytes() != then.tobytes():
                raise not_as_it_was(self.spec, i, self.count)

    @abstractmethod
    def close(self) -> None:
        """Give back what the environments hold."""


def not_as_it_was(environment: EnvironmentSpec, i: int, count: int) -> EnvironmentProblem:
    """What to say where environment `i` of `count` did not come to the same place once more."""
    return EnvironmentProblem(
        f"environment {environment.id!r}, [{i}] of {count}: from the same state of its np_random, the same actions did "
        "not lead to what it showed at the snapshot: it draws random numbers from somewhere other than its np_random, "
        "or is not deterministic, so that a run with it cannot be resumed exactly"
    )
