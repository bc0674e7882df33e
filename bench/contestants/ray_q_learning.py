"""Synchronous parallel Q-learning with rollouts as Ray actors and the learner in the driver; runs in bench/.venv-ray.

The weights are some hundred bytes and so an argument of every call, which Ray sends along with it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from bench.contestants.q_learning import Learner, Rollout, Transitions, figures, parsed
from bench.contestants.ray_cluster import cluster
from bench.contestants.slices import serve


class Collector:
    """A rollout, which every training begins anew."""

    def __init__(self, index: int) -> None:
        self.index = index

    def begin(self) -> None:
        self.rollout = Rollout(self.index)

    def collect(self, weights: Any, steps: int) -> Transitions:
        return self.rollout.collect(weights, steps)


def train(ray: Any, rollouts: Sequence[Any], options: Any) -> dict[str, float]:
    """All rounds."""
    learner = Learner(options.minibatch)
    ray.get([rollout.begin.remote() for rollout in rollouts])
    ends: list[float] = []
    for _ in range(options.rounds + 1):
        learner.learn(ray.get([rollout.collect.remote(learner.weights, options.steps) for rollout in rollouts]))
        ends.append(time.perf_counter())
    return figures(ends, learner.weights)


def main() -> None:
    options = parsed(__doc__)
    with cluster(options.rollouts) as ray:
        rollouts = [ray.remote(Collector).remote(index) for index in range(options.rollouts)]
        serve({"Ray": lambda: train(ray, rollouts, options)}, warm=True)


if __name__ == "__main__":
    main()
