"""Lock-step as one would write it by hand: a pinned process a core, shared memory, spinning.

Process 0 draws the actions, tells the others by raising a word, steps its own share and then waits until each of the
others has raised its word too: a full barrier every step. What a process writes lies on pages of its own, where nobody
else writes: with rows of one array side by side, cores would take each other's cache lines away.
"""

from __future__ import annotations

import argparse
import mmap
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bench.contestants.bare_steps import cores, make
from bench.contestants.helper import Helper
from bench.contestants.slices import serve_one


class Share:
    """The environments of one process, and the memory in which all see what came of a step."""

    def __init__(self, name: str, count: int) -> None:
        self.name = name
        self.count = count
        space = cast("Any", make(name).observation_space)
        self.word = memoryview(mmap.mmap(-1, 64)).cast("q")  # how many rounds are done
        self.actions = _array((count,), np.int64)
        self.observations = _array((count, *space.shape), space.dtype)
        self.rewards = _array((count,), np.float32)
        self.ended = _array((count,), np.bool_)

    def reset(self, seed: int) -> None:
        self.environments = [make(self.name) for _ in range(self.count)]
        self.steps = [environment.step for environment in self.environments]
        for row, environment in enumerate(self.environments):
            self.observations[row] = environment.reset(seed=seed + row)[0]

    def step(self) -> None:
        observations, rewards, ended = self.observations, self.rewards, self.ended
        actions = self.actions.tolist()
        for row, step in enumerate(self.steps):
            observation, rewards[row], terminated, truncated, _ = step(actions[row])
            ended[row] = over = terminated or truncated
            if over:
                observation = self.environments[row].reset()[0]
            observations[row] = observation


def _array(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.ndarray(shape, dtype, buffer=mmap.mmap(-1, max(1, size)))


def follow(share: Share, go: memoryview, rounds: int) -> None:
    """What every process but the first does."""
    for number in range(1, rounds + 1):
        while go[0] < number:
            pass
        share.step()
        share.word[0] = number


def lead(shares: Sequence[Share], go: memoryview, helpers: Sequence[Helper], choices: int, rounds: int) -> float:
    """What the first process does; seconds for all rounds but the first tenth."""
    own, others = shares[0], [share.word for share in shares[1:]]
    drawn = [np.random.default_rng(i).integers(choices, size=(256, share.count)) for i, share in enumerate(shares)]
    for word in (go, *others):
        word[0] = 0
    for helper in helpers:
        helper.begin(rounds)
    begun = 0.0
    for number in range(1, rounds + 1):
        if number == rounds // 10 + 1:
            begun = time.perf_counter()
        for share, actions in zip(shares, drawn, strict=True):
            share.actions[:] = actions[number % 256]
        go[0] = number
        own.step()
        for word in others:
            while word[0] < number:
                pass
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", required=True)
    parser.add_argument("--environments", type=int, default=16)
    parser.add_argument("--rounds", type=int, required=True)
    options = parser.parse_args()
    places = cores()
    bounds = [options.environments * i // len(places) for i in range(len(places) + 1)]
    shares = [Share(options.env, bounds[i + 1] - bounds[i]) for i in range(len(places))]
    go = memoryview(mmap.mmap(-1, 64)).cast("q")

    def prepare(index: int) -> Callable[[int], None]:
        shares[index].reset(bounds[index])
        return partial(follow, shares[index], go)

    helpers = [Helper(core, partial(prepare, index)) for index, core in enumerate(places[1:], 1)]
    os.sched_setaffinity(0, {places[0]})
    shares[0].reset(0)
    choices = int(cast("Any", make(options.env).action_space).n)
    steps = (options.rounds - options.rounds // 10) * options.environments
    serve_one(lambda: {"steps_per_second": steps / lead(shares, go, helpers, choices, options.rounds)})


if __name__ == "__main__":
    main()
