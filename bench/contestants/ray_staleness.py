"""Weights that a learner pushes and Ray actors pull whenever they begin a batch; runs in bench/.venv-ray.

As asynchronous training on Ray is written: weights are put into the object store once, an actor holds the reference to
the newest, every reader asks it for that and pulls them, and the learner takes batches as they come, as many a push as
there are readers.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.contestants.ray_cluster import cluster
from bench.contestants.slices import serve
from bench.contestants.staleness import figures, look, parsed
from bench.contestants.times import per_second


class Holder:
    """Knows the newest weights; references travel in lists, for else Ray would send what they refer to."""

    def __init__(self) -> None:
        self.version = 0
        self.reference: Sequence[Any] = []

    def push(self, version: int, reference: Sequence[Any]) -> None:
        self.version, self.reference = version, reference

    def newest(self) -> tuple[int, Sequence[Any]]:
        return self.version, self.reference


class Reader:
    def __init__(self, holder: Any) -> None:
        self.ray: Any = importlib.import_module("ray")
        self.holder = holder

    def collect(self) -> int:
        version, (reference,) = self.ray.get(self.holder.newest.remote())
        look(self.ray.get(reference))
        return int(version)


class Learner:
    """The driver: pushes, and hears of batches."""

    def __init__(self, ray: Any, readers: int, size: int) -> None:
        self.ray = ray
        self.holder = ray.remote(Holder).remote()
        self.readers = [ray.remote(Reader).remote(self.holder) for _ in range(readers)]
        self.flat = np.zeros(size, np.float32)
        self.version = 0
        self.lags: list[int] = []
        self.ends: list[float] = []
        self.push()
        self.pending: dict[Any, Any] = {}

    def push(self) -> None:
        self.version += 1
        self.flat[0] = self.flat[-1] = self.version
        self.ray.get(self.holder.push.remote(self.version, [self.ray.put(self.flat)]))
        self.ends.append(time.perf_counter())

    def take(self) -> None:
        """The next batch of whoever is ready, who begins another one."""
        (ready,), _ = self.ray.wait(list(self.pending), num_returns=1)
        reader = self.pending.pop(ready)
        self.lags.append(self.version - self.ray.get(ready))
        self.pending[reader.collect.remote()] = reader

    def run(self, pushes: int) -> dict[str, float]:
        """So many after a tenth as many to warm up; all readers begin, and in the end none is at work."""
        self.lags, self.ends = [], []
        self.pending = {reader.collect.remote(): reader for reader in self.readers}
        for _ in range(pushes + pushes // 10):
            for _ in self.readers:
                self.take()
            self.push()
        self.ray.get(list(self.pending))
        return figures(per_second(self.ends, pushes), self.lags)


def main() -> None:
    options = parsed(__doc__)
    with cluster(options.readers + 1) as ray:
        learner = Learner(ray, options.readers, options.bytes // 4)
        serve({"Ray": lambda: learner.run(options.pushes)}, warm=True)


if __name__ == "__main__":
    main()
