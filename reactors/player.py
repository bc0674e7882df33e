"""A finished policy in its environment: what it is worth, and films of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from rlreactor.algos.policy import Policy
from rlreactor.reactors.environment_spec import EnvironmentProblem, EnvironmentSpec
from rlreactor.reactors.environments import make_environments
from rlreactor.reactors.evaluator import evaluate

__all__ = ["Player"]

_SIDE_BY_SIDE = 16


class Player:
    """Acts with the likeliest actions."""

    def __init__(self, environment: EnvironmentSpec, policy: Policy) -> None:
        self._environment = environment
        self._policy = policy

    def returns(self, episodes: int, seed: int) -> list[float]:
        """Returns of so many episodes. Raises EnvironmentProblem, or what the environment raises."""
        environments = make_environments(self._environment, min(episodes, _SIDE_BY_SIDE))
        try:
            return evaluate(self._policy, environments, episodes, np.random.default_rng(seed))
        finally:
            environments.close()

    def film(self, folder: Path, episodes: int, seed: int) -> list[Path]:
        """Play so many episodes and write a film of each. Raises EnvironmentProblem where that needs more."""
        environment = self._filmed(folder)
        try:
            for episode in range(episodes):
                self._play(environment, seed + episode)
        finally:
            environment.close()
        return sorted(folder.glob("episode-*.mp4"))

    def _filmed(self, folder: Path) -> gymnasium.Env[Any, Any]:
        name, options = self._environment.id, {**self._environment.options, "render_mode": "rgb_array"}
        made = gymnasium.make(name, disable_env_checker=True, **options)
        try:
            return gymnasium.wrappers.RecordVideo(
                made, str(folder), episode_trigger=lambda _: True, name_prefix="episode", disable_logger=True
            )
        except gymnasium.error.DependencyNotInstalled:
            raise EnvironmentProblem(_MISSING) from None

    def _play(self, environment: gymnasium.Env[Any, Any], seed: int) -> None:
        observation, ended, cut = environment.reset(seed=seed)[0], False, False
        while not (ended or cut):
            observations = np.asarray(observation, self._policy.spec.observation_dtype)[None]
            action = self._policy.to_environment(self._policy.mode(observations))[0]
            observation, _, ended, cut, _ = environment.step(action)


_MISSING = "films need moviepy and pygame, which are not installed: pip install 'rlreactor[video]'"
