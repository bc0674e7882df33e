"""Single Gymnasium environments, stepped one after another in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlreactor.algos.policy_spec import DiscreteAction
from rlreactor.reactors.environment_spec import EnvironmentProblem, EnvironmentSpec
from rlreactor.reactors.environments_protocol import Ended, Environments, Final, Rewards, not_as_it_was
from rlreactor.reactors.gymnasium_environments import Limited, described, make_single
from rlreactor.reactors.origin import Origin, follows_from_origin, origin_of, put_back
from rlreactor.reactors.stepping import Stepping

__all__ = ["SingleEnvironments"]


class SingleEnvironments(Stepping, Environments):
    """Each environment writes its own row.

    For environments of a few microseconds this is faster than any vector environment that has to gather and copy.
    """

    def __init__(self, environment: EnvironmentSpec, count: int) -> None:
        self.spec = environment
        self.count = count
        made = [self._make() for _ in range(count)]
        self._environments = [single.environment for single in made]
        first = self._environments[0]
        self.description = described(environment, first.observation_space, first.action_space)
        self._shape = self.description.observation_shape
        self._discrete = isinstance(self.description.action, DiscreteAction)
        self._limit = made[0].limit
        steps, resets = [e.step for e in self._environments], [e.reset for e in self._environments]
        super().__init__(steps, resets, self._limit, self._discrete)
        self._origins: list[Origin | None] | None = None

    def _make(self) -> Limited:
        return make_single(self.spec)

    @property
    def follow_from_origins(self) -> bool:
        """Whether it is known that a running episode can be played again without those before it."""
        return follows_from_origin(self._environments[0])

    def keep_origins(self) -> list[Origin | None]:
        """What the running episode of each environment follows from, from now on; None: from its seed."""
        origins: list[Origin | None] = [None] * self.count
        self._origins = origins
        self._tells_resets = True
        return origins

    def _before_reset(self, i: int, /) -> None:
        assert self._origins is not None
        self._origins[i] = origin_of(self._environments[i])

    def reset(self, seeds: Sequence[int], observations: NDArray[Any]) -> None:
        for i in range(self.count):
            self._reset(i, observations, seed=int(seeds[i]))

    def _reset(self, i: int, observations: NDArray[Any], seed: int | None = None) -> None:
        if self._origins is not None:
            self._origins[i] = origin_of(self._environments[i]) if seed is None else None
        observations[i] = self._checked(self._environments[i].reset(seed=seed)[0], "reset")
        self._cut(i, self._limit)

    def send(self, actions: NDArray[Any]) -> None:
        self._sent = actions

    def receive(self, observations: NDArray[Any], rewards: Rewards, ended: Ended) -> Final:
        return self.step_rows(self._sent, 0, observations, rewards, ended)

    def _replayed(self, saved: Mapping[str, Any]) -> NDArray[Any]:
        """Make the steps of the running episodes again, or all where their origins are unknown."""
        if "origins" not in saved:
            return super()._replayed(saved)
        shown: NDArray[Any] = np.empty_like(saved["observations"])
        actions = saved["actions"]
        for i in range(self.count):
            self._begin_again(i, shown, saved["seeds"][i], saved["origins"][i])
            self._play(i, shown, actions[len(actions) - saved["lengths"][i] :, i])
        return shown

    def _begin_again(self, i: int, shown: NDArray[Any], seed: int, origin: Origin | None) -> None:
        self._reset(i, shown, seed)
        if origin is not None:
            put_back(self._environments[i], origin)
            self._reset(i, shown)

    def _play(self, i: int, shown: NDArray[Any], actions: NDArray[Any]) -> None:
        for action in actions.tolist() if self._discrete else actions:
            observation, _, terminated, truncated, _ = self._environments[i].step(action)
            if terminated or truncated:
                raise not_as_it_was(self.spec, i, self.count)
            shown[i] = observation
        if self._limit is not None:
            self._cut(i, self._limit - len(actions))

    def _checked(self, observation: Any, method: str, /) -> NDArray[Any]:
        array = np.asarray(observation)
        if array.shape != self._shape:
            raise EnvironmentProblem(
                f"environment {self.spec.id!r}: {method}() returned an observation of shape {array.shape}, but its "
                f"observation_space says {self._shape}; mend the environment or its observation_space"
            )
        return array

    def close(self) -> None:
        for environment in self._environments:
            environment.close()
