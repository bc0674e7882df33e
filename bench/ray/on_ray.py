"""PPO on Ray actors: a rollout each, and a learner that asks all of them; `ray.put` once, references to everybody."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.contestants.ray_cluster import cluster
from bench.ray.shared import ENVIRONMENTS, HORIZON, ROLLOUTS, Arrays, Collecting, Learning, main


class Rollout:
    def __init__(self, index: int) -> None:
        self.collecting = Collecting(index)

    def collect(self, weights: Any) -> list[NDArray[np.float32]]:
        shapes = [(HORIZON, ENVIRONMENTS, 4)] + [(HORIZON, ENVIRONMENTS)] * 6
        arrays = [np.zeros(shape, np.float32) for shape in shapes]
        self.collecting.fill(weights, arrays)
        return arrays


class Learner:
    def __init__(self) -> None:
        self.learning = Learning()

    def learn(self, *fragments: Arrays) -> None:
        self.learning.learn([[np.array(array) for array in fragment] for fragment in fragments])

    def weights(self) -> Any:
        return self.learning.weights()


def train(updates: int) -> tuple[list[float], Any]:
    with cluster(ROLLOUTS + 1) as ray:
        rollouts = [ray.remote(Rollout).remote(index) for index in range(ROLLOUTS)]
        learner = ray.remote(Learner).remote()
        weights, ends = learner.weights.remote(), list[float]()
        for _ in range(updates):
            learner.learn.remote(*[rollout.collect.remote(weights) for rollout in rollouts])
            weights = learner.weights.remote()
            ray.wait([weights])
            ends.append(time.perf_counter())
        return ends, ray.get(weights)


if __name__ == "__main__":
    main("Ray", train)
