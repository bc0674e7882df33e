"""Kept environments: they remember how they came to where they are, so that others can be brought there.

No library here can save an environment. But what environments show follows from their seeds and the actions they were
given: others that are given the same ones end up in the same place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlreactor.reactors.environments_protocol import Ended, Environments, Final, Rewards
from rlreactor.reactors.kept_actions import KeptActions
from rlreactor.reactors.single_environments import SingleEnvironments

__all__ = ["KeptEnvironments", "KeptEpisodes"]


class KeptEnvironments(Environments):
    """Remember every action since the seeds: others have to make all steps again.

    So it must be where a library has random numbers that it does not give away, as EnvPool and ale_py's vector
    environment have for every environment, or where something unknown may be carried over from one episode to the
    next. A million steps take a megabyte where actions are few, and to make them again takes as long as it took, less
    the time of the policy.
    """

    def __init__(self, inner: Environments) -> None:
        self._inner = inner
        self.spec, self.description, self.count = inner.spec, inner.description, inner.count
        self._seeds: list[int] = []
        self._steps = 0
        self._actions = KeptActions(self.description, self.count, self._needed)
        self._shown = np.empty((self.count, *self.description.observation_shape), self.description.observation_dtype)

    def _needed(self) -> int:
        """How many of the last steps have to be made again."""
        return self._steps

    def reset(self, seeds: Sequence[int], observations: NDArray[Any]) -> None:
        self._inner.reset(seeds, observations)
        self._seeds = [int(seed) for seed in seeds]
        self._steps = 0
        self._keep(observations)

    def _keep(self, observations: NDArray[Any]) -> None:
        self._shown[...] = observations  # copied: the caller may use the memory again

    def send(self, actions: NDArray[Any]) -> None:
        self._remember(actions)
        self._inner.send(actions)

    def receive(self, observations: NDArray[Any], rewards: Rewards, ended: Ended) -> Final:
        final = self._inner.receive(observations, rewards, ended)
        self._keep(observations)
        return final

    def _remember(self, actions: NDArray[Any]) -> None:
        self._actions.append(actions)
        self._steps += 1

    def to_snapshot(self) -> dict[str, Any]:
        if not self._seeds:
            return {}
        return {"seeds": self._seeds, "actions": self._actions.last(self._needed()), "observations": self._shown}

    def from_snapshot(self, saved: Mapping[str, Any]) -> None:
        self._inner.from_snapshot(saved)
        if saved:
            self._seeds = list(saved["seeds"])
            self._actions.begin_with(saved["actions"])
            self._steps = len(saved["actions"])
            self._keep(saved["observations"])

    def close(self) -> None:
        self._inner.close()


class KeptEpisodes(KeptEnvironments):
    """Single environments whose episodes follow from their origins: only those under way have to be played again."""

    def __init__(self, inner: SingleEnvironments) -> None:
        super().__init__(inner)
        self._origins = inner.keep_origins()
        self._begun = [0] * self.count  # the step at which each episode began

    def _needed(self) -> int:
        return self._steps - min(self._begun)

    def reset(self, seeds: Sequence[int], observations: NDArray[Any]) -> None:
        super().reset(seeds, observations)
        self._begun = [0] * self.count

    def receive(self, observations: NDArray[Any], rewards: Rewards, ended: Ended) -> Final:
        final = super().receive(observations, rewards, ended)
        for i in final:
            self._begun[i] = self._steps
        return final

    def to_snapshot(self) -> dict[str, Any]:
        saved = super().to_snapshot()
        lengths = [self._steps - begun for begun in self._begun]
        return {**saved, "origins": self._origins, "lengths": lengths} if saved else {}

    def from_snapshot(self, saved: Mapping[str, Any]) -> None:
        super().from_snapshot(saved)
        if saved:
            self._begun = [self._steps - length for length in saved["lengths"]]
