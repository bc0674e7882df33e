"""The PPO that is written twice: our side learns as its shared code does in one process."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.by_hand import FILES, lines
from bench.ray.on_reactors import train
from bench.ray.shared import ENVIRONMENTS, HORIZON, ROLLOUTS, Collecting, Learning, figures


def in_one_process(updates: int) -> NDArray[np.float32]:
    collecting, learning = [Collecting(index) for index in range(ROLLOUTS)], Learning()
    for _ in range(updates):
        weights = learning.weights()
        fragments: list[list[NDArray[np.float32]]] = []
        for one in collecting:
            arrays = [np.zeros((HORIZON, ENVIRONMENTS, 4), np.float32)]
            arrays += [np.zeros((HORIZON, ENVIRONMENTS), np.float32) for _ in range(6)]
            one.fill(weights, arrays)
            fragments.append(arrays)
        learning.learn(fragments)
    return learning.weights()


def test_reactors_learn_the_same_as_one_process() -> None:
    ends, weights = train(2)
    assert len(ends) == 2
    np.testing.assert_array_equal(weights, in_one_process(2))


def test_the_rate_begins_with_the_end_of_the_first_update() -> None:
    found = figures([1.0, 2.0, 4.0], np.ones(3, np.float32))
    assert found == {"steps_per_second": 2 * 2048 / 3.0, "sum_of_weights": 3.0}


def test_lines_are_counted_without_empty_ones() -> None:
    assert all(20 < lines(module) < 100 for module in FILES.values())
