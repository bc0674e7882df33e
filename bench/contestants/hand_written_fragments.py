"""Fragments of CartPole with batched policy inference, by hand: a pinned process a core, shared memory, spinning.

The policy is the same object as ours; environments are Gymnasium's, and a trajectory has the same arrays.
"""

from __future__ import annotations

import argparse
import mmap
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.contestants.bare_steps import cores, make
from bench.contestants.helper import Helper
from bench.contestants.slices import serve_one
from rlreactor.algos.policy import Policy
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.reactors.environment_spec import EnvironmentSpec, describe


class Fragment:
    """The arrays of one process, [T, B, ...], in shared memory."""

    def __init__(self, horizon: int, environments: int) -> None:
        steps = (horizon, environments)
        self.observations = _array((*steps, 4), np.float32)
        self.actions = _array(steps, np.int64)
        self.log_probabilities = _array(steps, np.float32)
        self.values = _array(steps, np.float32)
        self.rewards = _array(steps, np.float32)
        self.terminated = _array(steps, np.bool_)
        self.truncated = _array(steps, np.bool_)
        self.bootstrap = _array(steps, np.float32)
        self.last_values = _array((environments,), np.float32)
        self.episode_returns = _array(steps, np.float32)
        self.episode_lengths = _array(steps, np.int32)


def _array(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    return np.ndarray(shape, dtype, buffer=mmap.mmap(-1, int(np.prod(shape)) * np.dtype(dtype).itemsize))


class Collector:
    """Fills its fragment again and again."""

    def __init__(self, fragment: Fragment, spec: PolicySpec, weights: NDArray[np.float32], seed: int) -> None:
        self.out = fragment
        self.horizon, count = fragment.rewards.shape
        self.actor = Policy(spec, np.zeros(spec.size, np.float32))
        self.weights = weights
        self.rng = np.random.default_rng(seed)
        self.environments = [make("CartPole-v1") for _ in range(count)]
        self.steps = [environment.step for environment in self.environments]
        first = [environment.reset(seed=seed * 1000 + i)[0] for i, environment in enumerate(self.environments)]
        self.following: NDArray[np.float32] = np.stack(first)
        self.returns = np.zeros(count, np.float32)
        self.lengths = np.zeros(count, np.int32)

    def collect(self) -> None:
        out = self.out
        self.actor.load(self.weights)
        for array in (out.terminated, out.truncated, out.bootstrap, out.episode_returns, out.episode_lengths):
            array.fill(0)
        out.observations[0] = self.following
        for t in range(self.horizon):
            out.actions[t], out.log_probabilities[t], out.values[t] = self.actor.act(out.observations[t], self.rng)
            self.step(t, self.following if t + 1 == self.horizon else out.observations[t + 1])
        out.last_values[:] = self.actor.value(self.following)

    def step(self, t: int, following: NDArray[np.float32]) -> None:
        out, rewards = self.out, self.out.rewards[t]
        over: list[int] = []
        for i, (step, action) in enumerate(zip(self.steps, out.actions[t].tolist(), strict=True)):
            observation, rewards[i], terminated, truncated, _ = step(action)
            if terminated or truncated:
                out.terminated[t, i], out.truncated[t, i] = terminated, truncated
                if truncated and not terminated:
                    out.bootstrap[t, i] = self.actor.value(observation[None])[0]
                over.append(i)
                observation = self.environments[i].reset()[0]
            following[i] = observation
        self.returns += rewards
        self.lengths += 1
        if over:
            out.episode_returns[t, over], out.episode_lengths[t, over] = self.returns[over], self.lengths[over]
            self.returns[over] = 0
            self.lengths[over] = 0


class Team:
    """A collector in every process; the first of them hands out weights, and adds up rewards."""

    def __init__(self, horizon: int, environments: int) -> None:
        self.spec = PolicySpec(**dict(describe(EnvironmentSpec(id="CartPole-v1"))))
        places = cores()
        self.words = memoryview(mmap.mmap(-1, 64 * len(places))).cast("q")  # a cache line a process
        self.weights = _array((self.spec.size,), np.float32)
        self.weights[:] = self.spec.initial(np.random.default_rng(0))
        self.fragments = [Fragment(horizon, environments) for _ in places]
        self.helpers = [Helper(core, partial(self._prepare, index)) for index, core in enumerate(places[1:], 1)]
        os.sched_setaffinity(0, places[:1])
        self.collector = self._collector(0)

    def _collector(self, process: int) -> Collector:
        return Collector(self.fragments[process], self.spec, self.weights, process)

    def _prepare(self, process: int) -> Callable[[int], None]:
        return partial(self._follow, process, self._collector(process))

    def _follow(self, process: int, collector: Collector, rounds: int) -> None:
        words = self.words
        for number in range(1, rounds + 1):
            while words[0] < number:
                pass
            collector.collect()
            words[8 * process] = number

    def seconds(self, rounds: int) -> float:
        """For all rounds but the first tenth."""
        words, others = self.words, range(1, len(self.fragments))
        for process in range(len(self.fragments)):
            words[8 * process] = 0
        for helper in self.helpers:
            helper.begin(rounds)
        new_weights, begun, total = self.weights.copy(), 0.0, 0.0
        for number in range(1, rounds + 1):
            if number == rounds // 10 + 1:
                begun = time.perf_counter()
            self.weights[:] = new_weights  # where a learner would write
            words[0] = number
            self.collector.collect()
            for process in others:
                while words[8 * process] < number:
                    pass
            total += _rewards(self.fragments)
        return time.perf_counter() - begun


def _rewards(fragments: Sequence[Fragment]) -> float:
    return sum(float(fragment.rewards.sum()) for fragment in fragments)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--environments", type=int, required=True, help="of each process")
    parser.add_argument("--horizon", type=int, default=128)
    parser.add_argument("--fragments", type=int, default=40)
    options = parser.parse_args()
    team = Team(options.horizon, options.environments)
    count = (options.fragments - options.fragments // 10) * len(team.fragments)
    steps = count * options.horizon * options.environments
    serve_one(lambda: {"steps_per_second": steps / team.seconds(options.fragments)})


if __name__ == "__main__":
    main()
