"""Rollouts: act in environments with the newest weights and hand over what happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlreactor import TICK, Input, Output, Reactor, Timer, reaction, shutdown, startup, state
from rlreactor.algos.policy import Policy
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.reactors.environment_spec import EnvironmentSpec
from rlreactor.reactors.environments import TERMINATED, TRUNCATED, Environments, Final, make_environments
from rlreactor.reactors.trajectory import TRAJECTORY, WEIGHTS
from rlreactor.spec import Record

__all__ = ["Rollout"]


class _Group(NamedTuple):
    """Environments that are stepped together, and their columns of everything, for one fragment."""

    environments: Environments
    observations: NDArray[Any]
    following: NDArray[Any]
    """After the last step of the fragment."""
    ended: NDArray[np.uint8]
    returns: NDArray[np.float32]
    lengths: NDArray[np.int32]
    out: Record
    """The columns of the trajectory, [T, group, ...]."""


class Rollout(Reactor):
    """Collects `horizon` steps of each of its environments at every tick from `first` on.

    Observations are written by the environments straight into the memory that the learner reads; the policy's
    parameters are views of the memory that the learner wrote.

    The environments form `groups` equal groups that alternate: while threads of the environments' library step one
    group, the policy chooses the actions of the next. What a group sees and does never depends on how long another
    one takes. Environments without threads are stepped when their turn comes.

    `threads` step each group; the topology asks the planner for as many.
    """

    environment: EnvironmentSpec
    policy: PolicySpec
    horizon: int
    environments: int
    first: int = TICK
    device: str = "cpu"
    groups: int = 1
    threads: int = 1

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
        self.rows = _rows(count, self.groups)
        self.made = [self._make() for _ in self.rows]
        self.actor = Policy(policy, np.zeros(policy.size, np.float32), self.device)
        self.informed = False  # whether the actor has the weights that came last
        self.next_observations = np.empty((count, *policy.observation_shape), policy.observation_dtype)
        seeds = self.rng.integers(2**31, size=count).tolist()
        for rows, environments in zip(self.rows, self.made, strict=True):
            environments.reset(seeds[rows], self.next_observations[rows])
        self.ended = np.zeros(count, np.uint8)
        self.returns = np.zeros(count, np.float32)
        self.lengths = np.zeros(count, np.int32)

    def _make(self) -> Environments:
        count = self.environments // self.groups
        return make_environments(self.environment, count, self.threads, kept=self.keeps_snapshots)

    @reaction(tick, reads=[weights], effects=[trajectory])
    def collect(self) -> None:
        weights, out = self.weights.value, self.trajectory.empty()
        if self.weights.present or not self.informed:
            self.actor.load(weights.flat)
            self.informed = True
        for array in (out.terminated, out.truncated, out.bootstrap, out.episode_returns, out.episode_lengths):
            array.fill(0)
        out.observations[0] = self.next_observations
        groups = list(self._groups(out))
        for t in range(self.horizon):
            for group in groups:
                if t:
                    self._receive(t - 1, group, group.observations[t])
                self._send(t, group)
        for group in groups:
            self._receive(self.horizon - 1, group, group.following)
        out.last_values[:] = self.actor.value(self.next_observations)
        out.version[...] = weights.version
        self.steps += self.horizon * self.environments
        self.trajectory.set(out)

    def _groups(self, out: Record) -> Iterator[_Group]:
        for rows, environments in zip(self.rows, self.made, strict=True):
            columns = Record(**{name: array[:, rows] for name, array in out if array.ndim > 1})
            following, ended = self.next_observations[rows], self.ended[rows]
            yield _Group(
                environments, columns.observations, following, ended, self.returns[rows], self.lengths[rows], columns
            )

    def _send(self, t: int, group: _Group) -> None:
        """Begin step t of a group: row t gets actions and what the policy says of them."""
        out = group.out
        actions, out.log_probabilities[t], out.values[t] = self.actor.act(group.observations[t], self.rng)
        out.actions[t] = actions
        group.environments.send(self.actor.to_environment(actions))

    def _receive(self, t: int, group: _Group, following: NDArray[Any]) -> None:
        """End step t of a group: row t gets its rewards, and `following` the next observations."""
        returns, rewards = group.returns, group.out.rewards[t]
        final = group.environments.receive(following, rewards, group.ended)
        np.add(returns, rewards, out=returns)
        np.add(group.lengths, 1, out=group.lengths)
        if final:
            self._end_episodes(t, group, final)

    def _end_episodes(self, t: int, group: _Group, final: Final) -> None:
        out, over = group.out, list(final)
        out.terminated[t] = group.ended & TERMINATED
        out.truncated[t] = group.ended & TRUNCATED
        out.episode_returns[t, over] = group.returns[over]
        out.episode_lengths[t, over] = group.lengths[over]
        group.returns[over] = 0
        group.lengths[over] = 0
        # An episode that was cut off goes on without us: its value is that of its last observation.
        cut = [i for i in over if group.ended[i] == TRUNCATED]
        if cut:
            observations = np.stack([final[i] for i in cut]).astype(self.policy.observation_dtype)
            out.bootstrap[t, cut] = self.actor.value(observations)

    @reaction(shutdown)
    def end(self) -> None:
        for environments in self.made:
            environments.close()

    def to_snapshot(self) -> Mapping[str, Any]:
        """The actor is not in it: in a resumed run it takes the weights that are held."""
        return {"groups": [environments.to_snapshot() for environments in self.made]}

    def from_snapshot(self, saved: Mapping[str, Any]) -> None:
        """Environments are made anew: to have been reset once more could leave a trace."""
        for environments in self.made:
            environments.close()
        self.made = [self._make() for _ in self.rows]
        for environments, each in zip(self.made, saved["groups"], strict=True):
            environments.from_snapshot(each)


def _rows(count: int, groups: int) -> list[slice]:
    """The environments of each group."""
    if groups < 1 or count % groups:
        raise ValueError(
            f"groups: expected a number that divides the {count} environments of a rollout, received {groups}"
        )
    size = count // groups
    return [slice(first, first + size) for first in range(0, count, size)]
