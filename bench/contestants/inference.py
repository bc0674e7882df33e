"""Multi-agent inference, the same on all sides: a world of n agents and a policy each; by itself, one after another.

A joint step: the world shows every agent its observation, each draws its action from a network of 64 units, and the
world takes all of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from bench.contestants.ray_cluster import rate
from bench.contestants.slices import serve
from bench.contestants.spread import Spread

__all__ = ["ACTIONS", "WORLDS", "Policy", "Synthetic", "World", "figures", "parsed"]

HIDDEN, ACTIONS = 64, 5


class Policy:
    """The network of one agent."""

    def __init__(self, agent: int, features: int) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(agent)
        self.network = torch.nn.Sequential(
            torch.nn.Linear(features, HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, ACTIONS)
        )

    def act(self, observation: Any) -> int:
        with torch.inference_mode():
            return int(self.network(torch.tensor(observation)).argmax())


class World(Protocol):
    """What agents live in.

    Attributes:
        observations: float32 [agents, features].
    """

    observations: NDArray[np.float32]

    def step(self, actions: Sequence[int]) -> None:
        """In place: who shows `observations` to others gives them a copy."""


class Synthetic:
    """What an agent sees decays, and its action adds to one feature of it and of its neighbour."""

    def __init__(self, agents: int) -> None:
        shape = agents, self.features(agents)
        self.observations: NDArray[np.float32] = np.random.default_rng(0).random(shape, np.float32)
        self.rows = np.arange(agents)
        self.neighbours = np.roll(self.rows, 1)

    @staticmethod
    def features(agents: int) -> int:
        """Of an agent's observation."""
        return 2 * ACTIONS

    def step(self, actions: Sequence[int]) -> None:
        """In place."""
        seen = self.observations
        seen *= np.float32(0.9)
        seen[self.rows, actions] += np.float32(0.1)
        seen[self.neighbours, np.add(actions, ACTIONS)] += np.float32(0.1)


WORLDS: dict[str, type[Synthetic | Spread]] = {"synthetic": Synthetic, "simple_spread": Spread}
"""By name."""


def figures(joint_steps_per_second: float) -> dict[str, float]:
    """What everybody reports."""
    return {"us": 1e6 / joint_steps_per_second}


def parsed(description: str | None) -> argparse.Namespace:
    """The options that everybody has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--agents", type=int, default=10)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--world", choices=list(WORLDS), default="synthetic")
    return parser.parse_args()


def main() -> None:
    options = parsed(__doc__)
    kind = WORLDS[options.world]
    world = kind(options.agents)
    policies = [Policy(agent, kind.features(options.agents)) for agent in range(options.agents)]

    def step(_: int) -> None:
        world.step([policy.act(seen) for policy, seen in zip(policies, world.observations, strict=True)])

    serve({"one after another": lambda: figures(rate(step, options.steps))})


if __name__ == "__main__":
    main()
