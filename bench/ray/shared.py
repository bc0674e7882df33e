"""What both sides of the PPO on CartPole-v1 compute: collecting, advantages and updates of the plain loop in torch."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from bench.contestants.plain_ppo import Perceptrons, Player, Storage, advantages_of, update
from bench.contestants.ppo_task import TASKS
from bench.contestants.slices import serve
from bench.contestants.times import per_second

__all__ = ["ENVIRONMENTS", "HORIZON", "ROLLOUTS", "SIZE", "Arrays", "Collecting", "Learning", "main"]

TASK = TASKS["CartPole-v1"]
ROLLOUTS, HORIZON = 2, TASK.horizon
ENVIRONMENTS = TASK.environments // ROLLOUTS  # of each rollout
FEATURES, ACTIONS = 4, 2

Arrays = Sequence[NDArray[np.float32]]
"""The fields of a Storage, and the advantages."""


def network() -> Perceptrons:
    """The same weights everywhere."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return Perceptrons(FEATURES, TASK.hidden, ACTIONS)


SIZE = sum(parameter.numel() for parameter in network().parameters())


class Collecting:
    """The environments of one rollout with a network of their own."""

    def __init__(self, index: int) -> None:
        options = argparse.Namespace(library="gymnasium", env="CartPole-v1", threads=1, seed=1 + 1000 * index)
        self.player = Player(options, TASK._replace(environments=ENVIRONMENTS))
        self.network = network()
        torch.manual_seed(index)
        self.random = torch.get_rng_state()

    def fill(self, weights: NDArray[np.float32], arrays: Arrays) -> None:
        """A fragment of experience, [T, B, ...]; the random numbers are this rollout's own."""
        *fields, advantages = (torch.from_numpy(array) for array in arrays)
        vector_to_parameters(torch.tensor(weights), self.network.parameters())
        torch.set_rng_state(self.random)
        with torch.no_grad():
            storage = Storage(*fields)
            advantages[:] = advantages_of(storage, *self.player.collect(self.network, storage))
        self.random = torch.get_rng_state()


class Learning:
    """The learner's network and optimiser."""

    def __init__(self) -> None:
        self.network = network()
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=TASK.learning_rate, eps=1e-5)
        self.random = torch.get_rng_state()

    def learn(self, fragments: Sequence[Arrays]) -> None:
        """All epochs over the fragments side by side."""
        *fields, advantages = (torch.from_numpy(np.concatenate(parts, 1)) for parts in zip(*fragments, strict=True))
        torch.set_rng_state(self.random)
        update(self.network, self.optimiser, TASK, Storage(*fields), advantages)
        self.random = torch.get_rng_state()

    def weights(self) -> NDArray[np.float32]:
        """A copy of all of them, one after another."""
        flat: NDArray[np.float32] = parameters_to_vector(self.network.parameters()).detach().numpy()
        return flat


def figures(ends: Sequence[float], weights: NDArray[np.float32]) -> dict[str, float]:
    """Environment steps a second after the first update, and a sum by which both sides can be told the same."""
    rate = per_second(ends, len(ends) - 1) * TASK.batch
    return {"steps_per_second": rate, "sum_of_weights": float(np.abs(weights).sum())}


def main(name: str, train: Callable[[int], tuple[Sequence[float], Any]]) -> None:
    """Train for `--updates` in every slice."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--updates", type=int, default=20)
    updates = parser.parse_args().updates
    serve({name: lambda: figures(*train(updates))})
