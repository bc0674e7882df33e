"""Synchronous parallel Q-learning on Blackjack, the same on all sides; by itself, all of it in one process.

In a round every rollout makes so many steps with the learner's weights, and the learner takes one minibatch from all
that it remembers (Mnih et al. 2015, "Human-level control through deep reinforcement learning").
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from bench.contestants.numbers import Numbers
from bench.contestants.slices import serve
from bench.contestants.times import per_second

__all__ = ["FEATURES", "SIZE", "Learner", "Rollout", "Transitions", "figures", "parsed"]

FEATURES, HIDDEN, ACTIONS = 3, 32, 2
SHAPES = ((FEATURES, HIDDEN), (HIDDEN,), (HIDDEN, ACTIONS), (ACTIONS,))
SIZE = sum(int(np.prod(shape)) for shape in SHAPES)
LEARNING_RATE, GAMMA, EPSILON = 0.01, 0.99, 0.1
MEMORY = 20_000  # transitions
TARGET_EVERY = 10  # rounds

Weights = NDArray[np.floating[Any]]
"""All layers, one after another; float32, but for whoever checks the mathematics."""


class Transitions(NamedTuple):
    """Steps of one rollout, or of all of them."""

    observations: NDArray[np.float32]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float32]
    following: NDArray[np.float32]
    ended: NDArray[np.uint8]

    @classmethod
    def empty(cls, steps: int) -> Transitions:
        observations, following = np.zeros((2, steps, FEATURES), np.float32)
        rewards, ended = np.zeros(steps, np.float32), np.zeros(steps, np.uint8)
        return cls(observations, np.zeros(steps, np.int64), rewards, following, ended)


def layers(weights: Weights) -> list[Weights]:
    """Views of the weights as matrices and biases."""
    ends = np.cumsum([np.prod(shape) for shape in SHAPES])
    return [part.reshape(shape) for part, shape in zip(np.split(weights, ends[:-1]), SHAPES, strict=True)]


def initial(rng: np.random.Generator) -> Weights:
    """Normal with variance 2 by the number of inputs (He et al. 2015); biases 0."""
    parts = [
        rng.normal(0.0, np.sqrt(2.0 / shape[0]), shape) if len(shape) == 2 else np.zeros(shape) for shape in SHAPES
    ]
    return np.concatenate([np.ravel(part) for part in parts]).astype(np.float32)


def values(parts: Sequence[NDArray[Any]], observations: NDArray[Any]) -> NDArray[np.float32]:
    """Q(s, a) of every action, float32[..., ACTIONS]."""
    w1, b1, w2, b2 = parts
    return cast("NDArray[np.float32]", np.maximum(observations @ w1 + b1, 0) @ w2 + b2)


def gradient(weights: Weights, batch: Transitions, targets: NDArray[np.float32]) -> Weights:
    """Of the mean squared difference between Q(s, a) and `targets`."""
    w1, b1, w2, b2 = layers(weights)
    hidden = np.maximum(batch.observations @ w1 + b1, 0)
    q = hidden @ w2 + b2
    rows = np.arange(len(q))
    d_q = np.zeros_like(q)
    d_q[rows, batch.actions] = 2 * (q[rows, batch.actions] - targets) / len(q)
    d_hidden = (d_q @ w2.T) * (hidden > 0)
    parts = (batch.observations.T @ d_hidden, d_hidden.sum(0), hidden.T @ d_q, d_q.sum(0))
    return np.concatenate([np.ravel(part) for part in parts])


class Adam:
    """Kingma and Ba 2015, algorithm 1, with the usual decays."""

    def __init__(self) -> None:
        self.m, self.v, self.t = np.zeros(SIZE, np.float32), np.zeros(SIZE, np.float32), 0

    def step(self, weights: Weights, g: Weights) -> None:
        """In place."""
        self.t += 1
        self.m += 0.1 * (g - self.m)
        self.v += 0.001 * (g * g - self.v)
        m_hat, v_hat = self.m / (1 - 0.9**self.t), self.v / (1 - 0.999**self.t)
        weights -= (LEARNING_RATE * m_hat / (np.sqrt(v_hat) + 1e-8)).astype(np.float32)


class Rollout:
    """One environment and who acts in it: at random now and then, else for the highest value."""

    def __init__(self, index: int) -> None:
        self.rng = np.random.default_rng(index)
        self.environment = Numbers("Blackjack-v1")
        self.seen, _ = self.environment.reset(seed=index)

    def fill(self, weights: Weights, out: Any) -> None:
        """Make as many steps as there are rows in `out`, which has the fields of Transitions."""
        parts = layers(weights)
        explores = self.rng.random(len(out.actions)) < EPSILON
        drawn = self.rng.integers(ACTIONS, size=len(out.actions))
        for t, explore in enumerate(explores.tolist()):
            action = int(drawn[t] if explore else values(parts, self.seen).argmax())
            out.observations[t], out.actions[t] = self.seen, action
            following, reward, terminated, truncated, _ = self.environment.step(action)
            out.rewards[t], out.following[t], out.ended[t] = reward, following, terminated
            over = terminated or truncated
            self.seen = self.environment.reset()[0] if over else following

    def collect(self, weights: Weights, steps: int) -> Transitions:
        """The same into memory of its own."""
        out = Transitions.empty(steps)
        self.fill(weights, out)
        return out


class Learner:
    """Remembers transitions, and learns from a minibatch of them a round."""

    def __init__(self, minibatch: int) -> None:
        self.minibatch = minibatch
        self.rng = np.random.default_rng(0)
        self.weights = initial(self.rng)
        self.target = self.weights.copy()
        self.adam = Adam()
        self.memory = Transitions.empty(MEMORY)
        self.seen = self.rounds = 0

    def learn(self, parts: Sequence[Any]) -> None:
        """A round: `parts` have the fields of Transitions."""
        for part in parts:
            self._remember(part)
        drawn = self.rng.integers(min(self.seen, MEMORY), size=self.minibatch)
        batch = Transitions._make(field[drawn] for field in self.memory)
        best = values(layers(self.target), batch.following).max(1)
        targets = batch.rewards + np.float32(GAMMA) * best * (1 - batch.ended)
        self.adam.step(self.weights, gradient(self.weights, batch, targets))
        self.rounds += 1
        if self.rounds % TARGET_EVERY == 0:
            self.target = self.weights.copy()

    def _remember(self, part: Any) -> None:
        rows = (self.seen + np.arange(len(part.actions))) % MEMORY
        for name, kept in self.memory._asdict().items():
            kept[rows] = getattr(part, name)
        self.seen += len(part.actions)


def figures(ends: Sequence[float], weights: Weights) -> dict[str, float]:
    """Seconds of all rounds but the first, which is warm-up, and a sum by which all sides can be told the same."""
    rounds = len(ends) - 1
    return {"seconds": rounds / per_second(ends, rounds), "sum_of_weights": float(np.abs(weights).sum())}


def parsed(description: str | None) -> argparse.Namespace:
    """The options that everybody has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rollouts", type=int, default=16)
    parser.add_argument("--steps", type=int, default=100, help="of every rollout in a round")
    parser.add_argument("--minibatch", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=500)
    return parser.parse_args()


def train(options: argparse.Namespace) -> dict[str, float]:
    """All rounds."""
    learner, rollouts = Learner(options.minibatch), [Rollout(index) for index in range(options.rollouts)]
    ends: list[float] = []
    for _ in range(options.rounds + 1):
        learner.learn([rollout.collect(learner.weights, options.steps) for rollout in rollouts])
        ends.append(time.perf_counter())
    return figures(ends, learner.weights)


def main() -> None:
    options = parsed(__doc__)
    serve({"one process": lambda: train(options)})


if __name__ == "__main__":
    main()
