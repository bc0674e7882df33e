"""A finished policy in its environment: what it is worth, and films of it."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any, cast

import gymnasium
import numpy as np

from rlreactor.algos.policy import Policy
from rlreactor.reactors.environment_spec import EnvironmentProblem, EnvironmentSpec, describe
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
        try:
            return self._film(folder, episodes, seed)
        except gymnasium.error.DependencyNotInstalled:
            raise EnvironmentProblem(_MISSING) from None

    def _film(self, folder: Path, episodes: int, seed: int) -> list[Path]:
        os.environ.update({name: value for name, value in _HEADLESS.items() if name not in os.environ})
        prefix = self._environment.id.replace("/", "-").replace(":", "-")
        environment = self._filmed(folder, prefix)
        try:
            for episode in range(episodes):
                self._play(environment, seed + episode)
        finally:
            environment.close()
        return [folder / f"{prefix}-episode-{episode}.mp4" for episode in range(episodes)]

    def _filmed(self, folder: Path, prefix: str) -> gymnasium.Env[Any, Any]:
        describe(self._environment)  # registers it, and says what is missing for it
        name = self._environment.id
        options: dict[str, Any] = {**self._environment.options}
        options["render_mode"] = "rgb_array"
        make = cast("Any", gymnasium.make)  # it is typed for the options it knows
        made: gymnasium.Env[Any, Any] = make(name, disable_env_checker=True, **options)
        if not isinstance(made.observation_space, gymnasium.spaces.Box):
            made = gymnasium.wrappers.FlattenObservation[Any, Any, Any](made)
        if made.observation_space.shape != self._policy.spec.observation_shape:
            made.close()
            raise EnvironmentProblem(f"{name} cannot be filmed: {_OTHER_VIEW}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # films of an earlier evaluation are written over
            return gymnasium.wrappers.RecordVideo[Any, Any, Any](
                made, str(folder), episode_trigger=lambda _: True, name_prefix=prefix, disable_logger=True
            )

    def _play(self, environment: gymnasium.Env[Any, Any], seed: int) -> None:
        observation, ended, cut = environment.reset(seed=seed)[0], False, False
        while not (ended or cut):
            observations = np.asarray(observation, self._policy.spec.observation_dtype)[None]
            action = self._policy.to_environment(self._policy.mode(observations))[0]
            observation, _, ended, cut, _ = environment.step(action)


_HEADLESS = {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy", "PYGAME_HIDE_SUPPORT_PROMPT": "1"}
_MISSING = "films need moviepy and pygame, which are not installed: pip install 'rlreactor[video]'"
_OTHER_VIEW = "films are of single environments, and a single one of these has other observations than the policy saw"
