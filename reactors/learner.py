"""Learners: turn trajectories into new weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlreactor import Inputs, Output, Reactor, reaction, startup, state
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.reactors.algorithm import AlgorithmConfig, load_algorithm
from rlreactor.reactors.trajectory import TRAJECTORY, WEIGHTS, batch_of
from rlreactor.spec import Record

__all__ = ["Episodes", "Learner", "OnPolicyLearner", "ended_in", "fill"]

_EPISODES = 100  # how many finished episodes mean_return is taken over


class OnPolicyLearner(Reactor):
    """What every learner has: trajectories of `rollouts` rollouts in, weights out.

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

    def take(self) -> list[Record]:
        """The trajectories of this tick, in index order. Raises ValueError where one has another lag."""
        trajectories = [port.value for port in self.trajectories]
        self._check_lag(trajectories)
        return trajectories

    def evaluates_now(self) -> bool:
        """Whether the policy is to be evaluated after this update."""
        last = self.update == self.updates
        return last or (self.evaluate_every > 0 and self.update % self.evaluate_every == 0)

    def _check_lag(self, trajectories: list[Record]) -> None:
        expected = max(0, self.update - self.policy_lag)
        for index, trajectory in enumerate(trajectories):
            if int(trajectory.version) != expected:
                raise ValueError(
                    f"trajectories[{index}]: expected a batch of version {expected} (update {self.update}, lag "
                    f"{self.policy_lag}), received version {int(trajectory.version)}; connect the weights with "
                    f"after=(1 + policy_lag) * TICK and start rollouts at that tick"
                )

    def count_episodes(self, episodes: Episodes) -> None:
        """Take in episodes that have ended."""
        self.recent_returns.extend(episodes.returns)
        self.recent_lengths.extend(episodes.lengths)
        self.episodes += len(episodes.returns)
        del self.recent_returns[:-_EPISODES], self.recent_lengths[:-_EPISODES]

    def episode_metrics(self) -> dict[str, Any]:
        """Means over the episodes that ended last."""
        if not self.recent_returns:
            return {"episodes": self.episodes}
        return {
            "episodes": self.episodes,
            "mean_return": float(np.mean(self.recent_returns)),
            "mean_length": float(np.mean(self.recent_lengths)),
        }


class Learner(OnPolicyLearner):
    """Makes one update per tick from the trajectories of all rollouts, `updates` in all."""

    @reaction(startup, effects=[OnPolicyLearner.published])
    def begin(self) -> None:
        seed = int(self.rng.integers(2**63))
        self.algorithm = load_algorithm(
            self.config, self.policy, updates_total=self.updates, seed=seed, device=self.device
        )
        self.weights = self.algorithm.flat
        self.published.set(fill(self.published.empty(), self.weights, self.update))

    @reaction(OnPolicyLearner.trajectories, effects=[OnPolicyLearner.published, OnPolicyLearner.to_evaluate])
    def learn(self) -> None:
        trajectories = self.take()
        metrics = self.algorithm.update([batch_of(trajectory) for trajectory in trajectories])
        self.update += 1
        self.env_steps += self.rollouts * self.horizon * self.environments
        self.published.set(fill(self.published.empty(), self.weights, self.update))
        if self.evaluates_now():
            self.to_evaluate.set(fill(self.to_evaluate.empty(), self.weights, self.update))
        self.count_episodes(ended_in(trajectories))
        self.log(update=self.update, env_steps=self.env_steps, **metrics, **self.episode_metrics())

    def to_snapshot(self) -> Mapping[str, Any]:
        return self.algorithm.state()

    def from_snapshot(self, saved: Mapping[str, Any]) -> None:
        self.algorithm.load_state(saved)


@dataclass(frozen=True, slots=True)
class Episodes:
    """Episodes that have ended: their returns, and their lengths in steps."""

    returns: list[float]
    lengths: list[int]


def ended_in(trajectories: list[Record]) -> Episodes:
    """The episodes that ended in `trajectories`, one trajectory after another."""
    episodes = Episodes([], [])
    for trajectory in trajectories:
        ended = trajectory.terminated | trajectory.truncated
        episodes.returns.extend(trajectory.episode_returns[ended].tolist())
        episodes.lengths.extend(trajectory.episode_lengths[ended].tolist())
    return episodes


def fill(out: Record, weights: NDArray[np.float32], version: int) -> Record:
    """`out`, a value of WEIGHTS, with these weights in it."""
    out.flat[:] = weights
    out.version[...] = version
    return out
