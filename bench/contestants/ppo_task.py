"""What every contestant trains with PPO, and the watch that times it; only the standard library is used here.

It is imported in virtual environments of very different kinds.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

__all__ = ["TASKS", "Task", "Watch", "main"]


class Task(NamedTuple):
    """An environment with the hyper-parameters that all have in common: gamma 0.99, lambda 0.95, value loss 0.5,
    longest gradient 0.5, normalised advantages, Adam without annealing."""

    environments: int
    horizon: int
    minibatch: int
    epochs: int
    learning_rate: float
    clip: float
    entropy: float
    """Weight of the entropy bonus."""
    hidden: tuple[int, ...]
    """Units of tanh layers, actor and critic apart; none: one trunk of three convolutions and 512 units."""

    @property
    def batch(self) -> int:
        """Environment steps of an update."""
        return self.environments * self.horizon


TASKS = {
    "CartPole-v1": Task(16, 128, 64, 10, 3e-4, 0.2, 0.0, (64, 64)),
    "ALE/Pong-v5": Task(8, 128, 256, 4, 2.5e-4, 0.1, 0.01, ()),
}
"""By Gymnasium id. Pong is 84 x 84 x 4 in grey, four frames a step; a step of the environment counts as one."""


class Watch:
    """Notes when updates ended."""

    def __init__(self) -> None:
        self.started = int(os.environ.get("BENCH_LAUNCHED_NS", time.monotonic_ns())) * 1e-9
        self.updates: list[tuple[float, int]] = []

    def update(self, env_steps: int) -> None:
        """An update has just ended, or the next step of an environment begins; so many steps since the start."""
        self.updates.append((time.monotonic(), env_steps))

    def figures(self, mean_return: float | None) -> dict[str, Any]:
        """Steady rates leave out everything up to the end of the first update."""
        (first, before), (last, steps) = self.updates[0], self.updates[-1]
        return {
            "env_steps": steps,
            "seconds_to_first_update": first - self.started,
            "steady_steps_per_second": (steps - before) / (last - first) if last > first else 0.0,
            "whole_steps_per_second": steps / (last - self.started),
            "mean_return": mean_return,
        }


def main(train: Callable[[argparse.Namespace], Mapping[str, Any]], **choices: tuple[str, ...]) -> None:
    """Parse the options that all have, and one for each of `choices`; train, and print what came out."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--env", choices=list(TASKS), default="CartPole-v1")
    parser.add_argument("--steps", type=int, required=True, help="environment steps")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    for name, values in choices.items():
        parser.add_argument(f"--{name.replace('_', '-')}", choices=values, default=values[0])
    print(json.dumps(train(parser.parse_args())), flush=True)
