"""Learners: turn trajectories into new weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlreactor import Inputs, Output, Reactor, reaction, startup, state
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.reactors.algorithm import AlgorithmConfig, load_algorithm
from rlreactor.reactors.trajectory import TRAJECTORY, WEIGHTS, batch_of
from rlreactor.spec import Record

__all__ = ["Learner"]

_EPISODES = 100  # how many finished episodes mean_return is taken over


class Learner(Reactor):
    """Makes one update per tick from the trajectories of all rollouts, `updates` in all.

    The weights that acted in a batch are exactly `policy_lag` updates old (fewer only while there have not been so
    many); a batch for which that is not so is refused.
    """

    policy: PolicySpec
    config: AlgorithmConfig
    rollouts: int
    horizon: int
    environments: int
    updates: int
    policy_lag: int = 0
    evaluate_every: int = 0
    device: str = "cpu"

    trajectories = Inputs(TRAJECTORY, width="rollouts")
    published = Output(WEIGHTS)
    to_evaluate = Output(WEIGHTS)

    update: int = state(0)
    env_steps: int = state(0)
    episodes: int = state(0)
    weights: NDArray[np.float32] = state()
    recent_returns: list[float] = state(factory=list[float])
    recent_lengths: list[int] = state(factory=list[int])

    @reaction(startup, effects=[published])
    def begin(self) -> None:
        seed = int(self.rng.integers(2**63))
        self.algorithm = load_algorithm(
            self.config, self.policy, updates_total=self.updates, seed=seed, device=self.device
        )
        self.weights = self.algorithm.flat
        self.published.set(self._fill(self.published.empty()))

    @reaction(trajectories, effects=[published, to_evaluate])
    def learn(self) -> None:
        trajectories = [port.value for port in self.trajectories]
        self._check_lag(trajectories)
        metrics = self.algorithm.update([batch_of(trajectory) for trajectory in trajectories])
        self.update += 1
        self.env_steps += self.rollouts * self.horizon * self.environments
        self.published.set(self._fill(self.published.empty()))
        if self._evaluates_now():
            self.to_evaluate.set(self._fill(self.to_evaluate.empty()))
        self._count_episodes(trajectories)
        self.log(update=self.update, env_steps=self.env_steps, **metrics, **self._episode_metrics())

    def _fill(self, out: Record) -> Record:
        out.flat[:] = self.algorithm.flat
        out.version[...] = self.update
        return out

    def _check_lag(self, trajectories: list[Record]) -> None:
        expected = max(0, self.update - self.policy_lag)
        for index, trajectory in enumerate(trajectories):
            if int(trajectory.version) != expected:
                raise ValueError(
                    f"trajectories[{index}]: expected a batch of version {expected} (update {self.update}, lag "
                    f"{self.policy_lag}), received version {int(trajectory.version)}; connect the weights with "
                    f"after=(1 + policy_lag) * TICK and start rollouts at that tick"
                )

    def _evaluates_now(self) -> bool:
        last = self.update == self.updates
        return last or (self.evaluate_every > 0 and self.update % self.evaluate_every == 0)

    def _count_episodes(self, trajectories: list[Record]) -> None:
        for trajectory in trajectories:
            ended = trajectory.terminated | trajectory.truncated
            self.recent_returns.extend(trajectory.episode_returns[ended].tolist())
            self.recent_lengths.extend(trajectory.episode_lengths[ended].tolist())
            self.episodes += int(ended.sum())
        del self.recent_returns[:-_EPISODES], self.recent_lengths[:-_EPISODES]

    def _episode_metrics(self) -> dict[str, Any]:
        if not self.recent_returns:
            return {"episodes": self.episodes}
        return {
            "episodes": self.episodes,
            "mean_return": float(np.mean(self.recent_returns)),
            "mean_length": float(np.mean(self.recent_lengths)),
        }
