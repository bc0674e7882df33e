"""Rollouts: act in environments with the newest weights and hand over what happened."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlreactor import TICK, Input, Output, Reactor, Timer, reaction, shutdown, startup, state
from rlreactor.algos.policy import Policy
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.reactors.environment_spec import EnvironmentSpec
from rlreactor.reactors.environments import Environments, make_environments
from rlreactor.reactors.trajectory import TRAJECTORY, WEIGHTS
from rlreactor.spec import Record

__all__ = ["Rollout"]


class Rollout(Reactor):
    """Collects `horizon` steps of each of its environments at every tick from `first` on.

    Observations are written by the environments straight into the memory that the learner reads; the policy's
    parameters are views of the memory that the learner wrote.
    """

    environment: EnvironmentSpec
    policy: PolicySpec
    horizon: int
    environments: int
    first: int = TICK
    device: str = "cpu"

    tick = Timer("first", TICK)
    weights = Input(WEIGHTS, hold=True)
    trajectory = Output(TRAJECTORY)

    steps: int = state(0)
    next_observations: NDArray[Any] = state()
    returns: NDArray[np.float32] = state()
    lengths: NDArray[np.int32] = state()

    @reaction(startup)
    def begin(self) -> None:
        count, policy = self.environments, self.policy
        self.made: Environments = make_environments(self.environment, count)
        self.actor = Policy(policy, np.zeros(policy.size, np.float32), self.device)
        self.next_observations = np.empty((count, *policy.observation_shape), policy.observation_dtype)
        self.made.reset(self.rng.integers(2**31, size=count).tolist(), self.next_observations)
        self.returns = np.zeros(count, np.float32)
        self.lengths = np.zeros(count, np.int32)

    @reaction(tick, reads=[weights], effects=[trajectory])
    def collect(self) -> None:
        weights, out = self.weights.value, self.trajectory.empty()
        if self.weights.present:
            self.actor.load(weights.flat)
        for array in (out.terminated, out.truncated, out.bootstrap, out.episode_returns, out.episode_lengths):
            array.fill(0)
        out.observations[0] = self.next_observations
        for t in range(self.horizon):
            self._step(t, out)
        out.last_values[:] = self.actor.value(self.next_observations)
        out.version[...] = weights.version
        self.steps += self.horizon * self.environments
        self.trajectory.set(out)

    def _step(self, t: int, out: Record) -> None:
        """One step of every environment: row t is filled, and row t + 1 gets its observations."""
        actions, out.log_probabilities[t], out.values[t] = self.actor.act(out.observations[t], self.rng)
        out.actions[t] = actions
        last = t + 1 == self.horizon
        following = self.next_observations if last else out.observations[t + 1]
        step = self.made.step(self.actor.to_environment(actions), following)
        out.rewards[t] = step.rewards
        self.returns += step.rewards
        self.lengths += 1
        if step.final_observations:
            out.terminated[t], out.truncated[t] = step.terminated, step.truncated
            self._end_episodes(t, out, step.final_observations)

    def _end_episodes(self, t: int, out: Record, final: dict[int, NDArray[Any]]) -> None:
        ended = list(final)
        out.episode_returns[t, ended] = self.returns[ended]
        out.episode_lengths[t, ended] = self.lengths[ended]
        self.returns[ended] = 0
        self.lengths[ended] = 0
        cut = [i for i in ended if out.truncated[t, i] and not out.terminated[t, i]]
        if cut:  # an episode that was cut off goes on without us: its value is that of its last observation
            observations = np.stack([final[i] for i in cut]).astype(self.policy.observation_dtype)
            out.bootstrap[t, cut] = self.actor.value(observations)

    @reaction(shutdown)
    def end(self) -> None:
        self.made.close()
