"""Rollouts whose environments alternate in groups: the same steps, on any placement, however they are stepped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rlreactor import TICK, Input, Output, Reactor, Result, RunError, reaction, run, startup
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.reactors.environment_spec import EnvironmentSpec, describe
from rlreactor.reactors.rollout import Rollout
from rlreactor.reactors.trajectory import TRAJECTORY, WEIGHTS

CART_POLE = EnvironmentSpec(id="CartPole-v1", options={"max_episode_steps": 12})


class Reader(Reactor):
    """Sends weights once, and reads what is collected."""

    policy: PolicySpec
    horizon: int
    environments: int
    trajectory = Input(TRAJECTORY)
    weights = Output(WEIGHTS)

    @reaction(startup, effects=[weights])
    def begin(self) -> None:
        out = self.weights.empty()
        out.flat[:] = self.policy.initial(np.random.default_rng(0))
        out.version[...] = 0
        self.weights.set(out)

    @reaction(trajectory)
    def read(self) -> None:
        _ = self.trajectory.value.rewards


class Collecting(Reactor):
    """One rollout and its reader."""

    environment: EnvironmentSpec
    policy: PolicySpec
    groups: int
    threads: int = 1

    def compose(self) -> None:
        sizes: dict[str, Any] = {"policy": self.policy, "horizon": 16, "environments": 6}
        self.actor = Rollout(environment=self.environment, groups=self.groups, threads=self.threads, **sizes)
        self.reader = Reader(**sizes)
        self.connect(self.actor.trajectory, self.reader.trajectory)
        self.connect(self.reader.weights, self.actor.weights, after=TICK)


def collected(environment: EnvironmentSpec, groups: int, workers: int = 1, threads: int = 1) -> Result:
    policy = PolicySpec(**dict(describe(environment)))
    topology = Collecting(environment=environment, policy=policy, groups=groups, threads=threads)
    return run(topology, workers=workers, timeout=3 * TICK, seed=2, trace=workers == 1)


@pytest.mark.parametrize("groups", [1, 2, 3])
def test_same_bits_on_any_number_of_workers(groups: int) -> None:
    assert len({collected(CART_POLE, groups, workers).fingerprint for workers in (1, 2)}) == 1


def test_groups_are_part_of_the_result() -> None:
    assert collected(CART_POLE, 1).fingerprint != collected(CART_POLE, 2).fingerprint


@pytest.mark.parametrize("groups", [1, 3])
def test_what_a_trajectory_says_of_a_step_belongs_together(groups: int) -> None:
    """Replay the actions of every environment: observations, ends and returns are those of that one environment."""
    result = collected(CART_POLE, groups)
    parts = [event.value for event in result.trace if event.path == "actor.trajectory"]
    rewards, terminated, truncated, lengths = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("rewards", "terminated", "truncated", "episode_lengths")
    )
    assert (rewards == 1).all()
    ended = terminated | truncated
    assert terminated.any()
    assert truncated.any()
    for column in range(6):
        ends = np.flatnonzero(ended[:, column])
        assert np.diff(ends, prepend=-1).tolist() == lengths[ends, column].tolist()
    observations = np.concatenate([part.observations for part in parts])
    after = observations[1:][ended[:-1]]
    assert np.abs(after).max() <= 0.05  # where an episode ended, the next row is the first of the next one


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_not_part_of_the_result(threads: int) -> None:
    pytest.importorskip("envpool")
    environment = EnvironmentSpec(id="envpool:CartPole-v1")
    found = {collected(environment, 2, workers, threads).fingerprint for workers in (1, 2)}
    assert found == {collected(environment, 2).fingerprint}


def test_groups_must_be_equal() -> None:
    with pytest.raises(
        RunError, match=r"groups: expected a number that divides the 6 environments of a rollout, received 4"
    ):
        collected(CART_POLE, 4)
