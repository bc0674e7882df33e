"""PPO as a plain loop in torch, in the manner of CleanRL, on vector environments of Gymnasium or of EnvPool.

Runs in bench/.venv-plain. Atari on Gymnasium is ale_py's own vector environment, the fastest there is. Steps with which
a vector environment only resets an episode count as steps, as they do in that manner. T steps, B environments.
"""

from __future__ import annotations

import argparse
import importlib
from collections import deque
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical

from bench.contestants.ppo_task import TASKS, Task, Watch, main

_DISCOUNT, _LAMBDA = 0.99, 0.95


class Perceptrons(nn.Module):
    """Actor and critic apart."""

    def __init__(self, observation: int, hidden: tuple[int, ...], actions: int) -> None:
        super().__init__()
        self.actor = self._stack(observation, hidden, actions, 0.01)
        self.critic = self._stack(observation, hidden, 1, 1.0)

    def _stack(self, observation: int, hidden: tuple[int, ...], outputs: int, gain: float) -> nn.Sequential:
        sizes = (observation, *hidden)
        layers: list[nn.Module] = []
        for inputs, units in zip(sizes, hidden, strict=False):
            layers += [_initial(nn.Linear(inputs, units)), nn.Tanh()]
        return nn.Sequential(*layers, _initial(nn.Linear(sizes[-1], outputs), gain))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.actor(x), self.critic(x)[:, 0]


class Convolutions(nn.Module):
    """Actor and critic on one trunk."""

    def __init__(self, actions: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            _initial(nn.Conv2d(4, 32, 8, 4)), nn.ReLU(), _initial(nn.Conv2d(32, 64, 4, 2)), nn.ReLU(),
            _initial(nn.Conv2d(64, 64, 3, 1)), nn.ReLU(), nn.Flatten(), _initial(nn.Linear(3136, 512)), nn.ReLU(),
        )  # fmt: skip
        self.actor = _initial(nn.Linear(512, actions), 0.01)
        self.critic = _initial(nn.Linear(512, 1), 1.0)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.trunk(x / 255.0)
        return self.actor(features), self.critic(features)[:, 0]


def _initial(layer: Any, gain: float = 2.0**0.5) -> Any:
    nn.init.orthogonal_(layer.weight, gain)
    nn.init.zeros_(layer.bias)
    return layer


class Storage(NamedTuple):
    """What a rollout fills, [T, B, ...]; `dones` says whether the episode was over before the step."""

    observations: torch.Tensor
    actions: torch.Tensor
    log_probabilities: torch.Tensor
    rewards: torch.Tensor
    dones: torch.Tensor
    values: torch.Tensor


class Player:
    """Vector environments, and where their episodes stand."""

    def __init__(self, options: argparse.Namespace, task: Task) -> None:
        made = _environments(options.library, options.env, task.environments, options.threads, options.seed)
        self._environments: Any = made
        pool = options.library == "envpool"
        self.observations = made.observation_space if pool else made.single_observation_space
        self.actions = int((made.action_space if pool else made.single_action_space).n)
        seeds = np.arange(task.environments) + options.seed
        first = made.reset() if pool else made.reset(seed=seeds if options.env.startswith("ALE/") else seeds.tolist())
        self._observation, self._done = torch.as_tensor(first[0]), torch.zeros(task.environments)
        self._running = np.zeros(task.environments)
        self.returns = deque[float](maxlen=100)

    def collect(self, network: nn.Module, storage: Storage) -> tuple[torch.Tensor, torch.Tensor]:
        """Fill the storage; the value of what comes after it, and whether that begins an episode."""
        for t in range(len(storage.rewards)):
            storage.observations[t], storage.dones[t] = self._observation, self._done
            logits, storage.values[t] = network(self._observation.float())
            policy = Categorical(logits=logits)
            action = policy.sample()
            storage.actions[t], storage.log_probabilities[t] = action, policy.log_prob(action)
            storage.rewards[t] = self._step(action.numpy())
        return network(self._observation.float())[1], self._done

    def _step(self, actions: Any) -> torch.Tensor:
        following, rewards, terminated, truncated, _ = self._environments.step(actions)
        over = np.logical_or(terminated, truncated)
        self._running += rewards
        self.returns.extend(self._running[over].tolist())
        self._running[over] = 0.0
        self._observation, self._done = torch.as_tensor(following), torch.as_tensor(over).float()
        return torch.as_tensor(rewards)

    def close(self) -> None:
        self._environments.close()


def _environments(library: str, name: str, count: int, threads: int, seed: int) -> Any:
    if library == "envpool":
        envpool: Any = importlib.import_module("envpool")
        game = name.removeprefix("ALE/")
        return envpool.make(game, env_type="gymnasium", num_envs=count, num_threads=threads, seed=seed)
    gymnasium: Any = importlib.import_module("gymnasium")
    if not name.startswith("ALE/"):
        return gymnasium.make_vec(name, count, vectorization_mode="sync")
    gymnasium.register_envs(importlib.import_module("ale_py"))
    return gymnasium.make_vec(name, count, vectorization_mode="vector_entry_point", num_threads=threads)


def advantages_of(storage: Storage, last_value: torch.Tensor, last_done: torch.Tensor) -> torch.Tensor:
    """Generalised advantage estimation, [T, B]."""
    advantages, carry = torch.zeros_like(storage.rewards), torch.zeros_like(last_value)
    value, done = last_value, last_done
    for t in reversed(range(len(advantages))):
        going = 1.0 - done
        delta = storage.rewards[t] + _DISCOUNT * value * going - storage.values[t]
        advantages[t] = carry = delta + _DISCOUNT * _LAMBDA * going * carry
        value, done = storage.values[t], storage.dones[t]
    return advantages


def update(
    network: nn.Module, optimiser: torch.optim.Optimizer, task: Task, storage: Storage, advantages: torch.Tensor
) -> None:
    """All epochs over one batch."""
    returns = advantages + storage.values
    flat = [storage.observations.flatten(0, 1), storage.actions.flatten(), storage.log_probabilities.flatten()]
    flat += [advantages.flatten(), returns.flatten()]
    for _ in range(task.epochs):
        order = torch.randperm(task.batch)
        for start in range(0, task.batch, task.minibatch):
            rows = order[start : start + task.minibatch]
            observations, actions, old, advantage, target = (array[rows] for array in flat)
            logits, values = network(observations.float())
            policy: Any = Categorical(logits=logits)
            ratio: torch.Tensor = (policy.log_prob(actions) - old).exp()
            advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
            clipped = ratio.clamp(1.0 - task.clip, 1.0 + task.clip)
            policy_loss = torch.max(-advantage * ratio, -advantage * clipped).mean()
            value_loss = ((values - target) ** 2).mean()
            optimiser.zero_grad()
            (policy_loss - task.entropy * policy.entropy().mean() + 0.5 * value_loss).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 0.5)
            optimiser.step()


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Train, and say what came out."""
    watch, task = Watch(), TASKS[options.env]
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    player = Player(options, task)
    shape, size = player.observations.shape, (task.horizon, task.environments)
    network = Perceptrons(shape[0], task.hidden, player.actions) if task.hidden else Convolutions(player.actions)
    optimiser = torch.optim.Adam(network.parameters(), lr=task.learning_rate, eps=1e-5)
    dtype = torch.as_tensor(np.empty(0, player.observations.dtype)).dtype
    storage = Storage(torch.zeros((*size, *shape), dtype=dtype), *(torch.zeros(size) for _ in range(5)))
    for number in range(1, max(1, options.steps // task.batch) + 1):
        with torch.no_grad():
            last_value, last_done = player.collect(network, storage)
            advantages = advantages_of(storage, last_value, last_done)
        update(network, optimiser, task, storage, advantages)
        watch.update(number * task.batch)
    player.close()
    return watch.figures(sum(player.returns) / len(player.returns) if player.returns else None)


if __name__ == "__main__":
    main(train, library=("gymnasium", "envpool"))
