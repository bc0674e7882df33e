"""Q-learning on Blackjack: the code that all sides share, ours at a tiny size, and what is demanded."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.contestants.q_learning import (
    MEMORY,
    SIZE,
    Adam,
    Learner,
    Rollout,
    Transitions,
    figures,
    gradient,
    layers,
    values,
)
from bench.contestants.rlreactor_q_learning import QLearning, train
from bench.measure import Rounds
from bench.q_learning import ALONE, OURS, RAY, reasons, setting, targets


def in_one_process(rollouts: int, steps: int, minibatch: int, rounds: int) -> Learner:
    learner, all_rollouts = Learner(minibatch), [Rollout(index) for index in range(rollouts)]
    for _ in range(rounds):
        learner.learn([rollout.collect(learner.weights, steps) for rollout in all_rollouts])
    return learner


@pytest.mark.parametrize("workers", [1, 2])
def test_ours_learns_the_same_as_one_process(workers: int) -> None:
    found = train(QLearning(rollouts=3, steps=20, minibatch=16), rounds=12, workers=workers)
    expected = in_one_process(3, 20, 16, 13)
    assert found["sum_of_weights"] == float(np.abs(expected.weights).sum())
    assert found["seconds"] > 0


def test_the_gradient_is_that_of_the_squared_error() -> None:
    rng = np.random.default_rng(1)
    weights = rng.normal(size=SIZE)
    batch = Transitions.empty(8)._replace(
        observations=rng.normal(size=(8, 3)).astype(np.float32), actions=rng.integers(2, size=8)
    )
    targets_ = rng.normal(size=8).astype(np.float32)

    def loss(flat: NDArray[np.float64]) -> float:
        q = values(layers(flat), batch.observations.astype(np.float64))
        return float(np.mean((q[np.arange(8), batch.actions] - targets_) ** 2))

    g = gradient(weights, batch, targets_)
    for i in rng.integers(SIZE, size=20):
        step = np.zeros(SIZE)
        step[i] = 1e-5
        assert g[i] == pytest.approx((loss(weights + step) - loss(weights - step)) / 2e-5, abs=1e-4)


def test_the_first_step_of_adam_has_the_size_of_the_learning_rate() -> None:
    weights = np.zeros(SIZE, np.float32)
    Adam().step(weights, np.full(SIZE, 3.0, np.float32))
    np.testing.assert_allclose(weights, -0.01, rtol=1e-4)


def test_the_oldest_transitions_are_forgotten() -> None:
    learner = Learner(4)
    for number in range(MEMORY // 5000 + 1):
        part = Transitions.empty(5000)
        part.rewards.fill(number)
        learner.learn([part])
    assert learner.seen == MEMORY + 5000
    assert sorted({float(reward) for reward in learner.memory.rewards}) == [1.0, 2.0, 3.0, 4.0]


def test_it_learns_to_stick_with_twenty() -> None:
    learner = in_one_process(4, 100, 500, 150)
    stick, hit = values(layers(learner.weights), np.array([20.0, 7.0, 0.0], np.float32))
    assert stick > hit


def test_the_first_round_is_warm_up() -> None:
    assert figures([5.0, 6.0, 8.0], np.ones(2, np.float32)) == {"seconds": 3.0, "sum_of_weights": 2.0}


def test_ray_s_time_is_held_against_ours_and_a_miss_is_explained() -> None:
    prefix = setting(500)
    seconds = {ALONE: 10.0, OURS: 6.0, RAY: 12.0}
    rounds = Rounds({prefix + name: [{"seconds": value}] for name, value in seconds.items()})
    (target,) = targets(rounds, 500)
    assert (target.measured, target.threshold, target.holds) == (0.5, 0.4, False)
    assert "would take 0." in reasons(rounds, 500)[prefix + RAY]
    assert targets(rounds, 1000) == []
