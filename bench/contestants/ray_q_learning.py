"""Synchronous parallel Q-learning with rollouts as Ray actors and the learner in the driver; runs in bench/.venv-ray.

The weights are some hundred bytes and so an argument of every call, which Ray sends along with it.
"""

from __future__ import annotations

import json
import time
from typing import Any

from bench.contestants.q_learning import Learner, Rollout, figures, parsed
from bench.contestants.ray_cluster import cluster, each


def train(ray: Any, options: Any) -> dict[str, float]:
    """All rounds."""
    learner = Learner(options.minibatch)
    rollouts = [ray.remote(Rollout).remote(index) for index in range(options.rollouts)]
    ends: list[float] = []
    for _ in range(options.rounds + 1):
        learner.learn(ray.get([rollout.collect.remote(learner.weights, options.steps) for rollout in rollouts]))
        ends.append(time.perf_counter())
    return figures(ends, learner.weights)


def main() -> None:
    options = parsed(__doc__)
    with cluster(options.rollouts) as ray:
        print(json.dumps(each({"Ray": lambda: train(ray, options)})), flush=True)


if __name__ == "__main__":
    main()
