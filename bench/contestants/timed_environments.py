"""Rollouts that step environments and ask their policy within one reaction, and tell how long the former takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from bench.contestants.rlreactor_fragments import Fragments
from bench.contestants.rlreactor_q_learning import Collector, QLearning
from rlreactor import state
from rlreactor.reactors.environment_spec import EnvironmentSpec
from rlreactor.reactors.environments import Ended, Environments, Final, Rewards
from rlreactor.reactors.rollout import Rollout
from rlreactor.topologies.on_policy import OnPolicy

__all__ = ["STEPPING", "TimedFragments", "TimedOnPolicy", "TimedQLearning"]

STEPPING = "stepping_seconds"
"""The state field of these rollouts that has the seconds spent in environments, their first resets left aside."""


class _Timed(Environments):
    """Environments whose steps are added to the time of a rollout."""

    def __init__(self, inner: Environments, rollout: TimedRollout) -> None:
        self._inner = inner
        self._rollout = rollout
        self.spec, self.description, self.count = inner.spec, inner.description, inner.count

    def reset(self, seeds: Sequence[int], observations: NDArray[Any]) -> None:
        self._inner.reset(seeds, observations)

    def send(self, actions: NDArray[Any]) -> None:
        begun = time.perf_counter()
        self._inner.send(actions)
        self._rollout.stepping_seconds += time.perf_counter() - begun

    def receive(self, observations: NDArray[Any], rewards: Rewards, ended: Ended) -> Final:
        begun = time.perf_counter()
        final = self._inner.receive(observations, rewards, ended)
        self._rollout.stepping_seconds += time.perf_counter() - begun
        return final

    def close(self) -> None:
        self._inner.close()


class TimedRollout(Rollout):
    stepping_seconds: float = state(0.0)

    def begin(self) -> None:
        super().begin()
        self.made = [_Timed(environments, self) for environments in self.made]


class TimedOnPolicy(OnPolicy):
    def make_rollout(self, first: int) -> Rollout:
        return TimedRollout(
            environment=self.environment, policy=self.policy, horizon=self.config.horizon,
            environments=self.envs_per_rollout, first=first, device=self.device, groups=self.groups,
            threads=self.environment_threads,
        )  # fmt: skip


class TimedFragments(Fragments):
    def make_rollout(self) -> Rollout:
        return TimedRollout(
            environment=EnvironmentSpec(id="CartPole-v1"), policy=self.policy, horizon=self.horizon,
            environments=self.environments,
        )  # fmt: skip


class TimedCollector(Collector):
    stepping_seconds: float = state(0.0)

    def begin(self) -> None:
        super().begin()
        environment = self.rollout.environment
        step, reset = environment.step, environment.reset
        environment.step = self._timed(step)  # type: ignore[method-assign]
        environment.reset = self._timed(reset)  # type: ignore[method-assign]

    def _timed(self, method: Any) -> Any:
        def timed(*arguments: Any, **options: Any) -> Any:
            begun = time.perf_counter()
            found = method(*arguments, **options)
            self.stepping_seconds += time.perf_counter() - begun
            return found

        return timed


class TimedQLearning(QLearning):
    def make_collector(self, index: int) -> Collector:
        return TimedCollector(index=index, steps=self.steps)
