"""Evaluators: what a policy is worth when it acts without exploring."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rlreactor import Input, Reactor, reaction, state
from rlreactor.algos.policy import Policy
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.reactors.environment_spec import EnvironmentSpec
from rlreactor.reactors.environments import Environments, make_environments
from rlreactor.reactors.trajectory import WEIGHTS

__all__ = ["Evaluator", "evaluate"]

_SIDE_BY_SIDE = 64  # environments that one evaluation steps together


class Evaluator(Reactor):
    """Runs `episodes` episodes with the likeliest actions whenever weights arrive."""

    environment: EnvironmentSpec
    policy: PolicySpec
    episodes: int
    device: str = "cpu"

    weights = Input(WEIGHTS)
    returns: list[float] = state(factory=list[float])

    @reaction(weights)
    def evaluate(self) -> None:
        if not self.episodes:
            return
        policy = Policy(self.policy, self.weights.value.flat, self.device)
        count = min(self.episodes, _SIDE_BY_SIDE)
        environments = make_environments(self.environment, count)
        self.returns = evaluate(policy, environments, self.episodes, self.rng)
        environments.close()
        self.log(eval_return=float(np.mean(self.returns)), episodes=len(self.returns))


def evaluate(policy: Policy, environments: Environments, episodes: int, rng: np.random.Generator) -> list[float]:
    """Returns of `episodes` episodes, deterministic actions.

    Each environment has its share of the episodes, fixed beforehand: taking whichever end first prefers short ones.
    """
    count = environments.count
    left = np.full(count, episodes // count)
    left[: episodes % count] += 1
    observations = np.empty((count, *policy.spec.observation_shape), policy.spec.observation_dtype)
    environments.reset(rng.integers(2**31, size=count).tolist(), observations)
    rewards, ended = np.empty(count, np.float32), np.empty(count, np.uint8)
    running = np.zeros(count)
    returns: list[list[float]] = [[] for _ in range(count)]
    while left.any():
        actions = policy.to_environment(policy.mode(observations))
        final = environments.step(actions, observations, rewards, ended)
        running += rewards
        for i in final:
            _end(i, running, left, returns)
    return [value for row in returns for value in row]


def _end(i: int, running: NDArray[np.float64], left: NDArray[np.int64], returns: list[list[float]]) -> None:
    if left[i]:
        returns[i].append(float(running[i]))
        left[i] -= 1
    running[i] = 0.0
