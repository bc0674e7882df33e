"""The limit: how often one core can step one environment that is reset whenever an episode ends, and all cores at once.

`on_every_core` is for what else pins a process to each core.
"""

from __future__ import annotations

import argparse
import multiprocessing as mp
import os
import time
from collections.abc import Callable
from typing import Any, cast

import gymnasium
import numpy as np

from bench.contestants.slices import serve_one

__all__ = ["cores", "make", "on_every_core"]


def cores() -> list[int]:
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


def make(name: str) -> gymnasium.Env[Any, Any]:
    """A Gymnasium environment as its users make it, without the checker; Atari with raw frames."""
    if name.startswith("ALE/"):
        import ale_py

        gymnasium.register_envs(ale_py)
    make_ = cast("Any", gymnasium.make)  # typed for the options it knows
    return cast("gymnasium.Env[Any, Any]", make_(name, disable_env_checker=True))


def as_taken(action: Any) -> Any:
    """An action as environments take it fastest: a number of its own, not one of numpy's."""
    return int(action) if np.ndim(action) == 0 else action


def stepping(name: str, seed: int, seconds: float) -> float:
    """Steps per second of one environment with actions drawn beforehand."""
    environment = make(name)
    space: Any = environment.action_space
    space.seed(seed)
    actions = [as_taken(space.sample()) for _ in range(512)]
    environment.reset(seed=seed)
    step, reset, count = environment.step, environment.reset, 0
    begun = time.perf_counter()
    while (now := time.perf_counter()) < begun + seconds:
        for action in actions:
            _, _, terminated, truncated, _ = step(action)
            if terminated or truncated:
                reset()
        count += len(actions)
    return count / (now - begun)


def on_every_core(work: Callable[[int], float]) -> list[float]:
    """What `work(index)` returns in a forked process pinned to each core, all of them at the same time."""
    fork = mp.get_context("fork")
    with fork.Manager() as manager:
        found = manager.dict()

        def pinned(index: int, core: int) -> None:
            os.sched_setaffinity(0, {core})
            found[index] = work(index)

        processes = [fork.Process(target=pinned, args=place) for place in enumerate(cores())]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        return [float(found[index]) for index in range(len(processes))]


def limits(name: str, seconds: float) -> dict[str, float]:
    """Steps per second of one environment on each core, added up, and then of one that is alone."""
    together = on_every_core(lambda index: stepping(name, index, seconds))
    places = cores()
    os.sched_setaffinity(0, places[:1])
    alone = stepping(name, 0, seconds)
    os.sched_setaffinity(0, places)
    return {"one_core": alone, "all_cores": sum(together)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", required=True)
    parser.add_argument("--seconds", type=float, default=0.7)
    options = parser.parse_args()
    serve_one(lambda: limits(options.env, options.seconds))


if __name__ == "__main__":
    main()
