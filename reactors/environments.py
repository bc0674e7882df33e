"""Environments side by side, writing observations into memory that the caller gives.

Two kinds behind one interface: single Gymnasium environments stepped in a loop, each writing its own row, and vector
environments that step themselves. Both start a new episode in the same step in which the old one ended, and hand out
the last observation of the old one apart: termination and truncation stay distinguishable and nothing that did not
happen gets into a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, cast

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from rlreactor.algos.policy_spec import BoxAction, DiscreteAction
from rlreactor.reactors.environment_spec import EnvironmentDescription, EnvironmentProblem, EnvironmentSpec

__all__ = ["Environments", "Step", "make_environments"]

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


class Step(NamedTuple):
    """What B environments answered, beside the observations."""

    rewards: Floats
    """float32 [B]"""
    terminated: Bools
    """bool [B]"""
    truncated: Bools
    """bool [B]"""
    final_observations: dict[int, NDArray[Any]]
    """Last observation of every episode that ended, by environment."""


class Environments(Protocol):
    """B environments of one kind."""

    description: EnvironmentDescription
    count: int

    def reset(self, seeds: Sequence[int], out: NDArray[Any]) -> None:
        """Start B episodes; `out` [B, *observation_shape] receives their first observations."""
        ...

    def step(self, actions: NDArray[Any], out: NDArray[Any]) -> Step:
        """One step in each; `out` receives the next observations, first ones where an episode ended."""
        ...

    def close(self) -> None:
        """Give back what the environments hold."""
        ...


def make_environments(environment: EnvironmentSpec, count: int, threads: int = 1) -> Environments:
    """`count` environments of a kind. Raises EnvironmentProblem, saying what to do."""
    spec = _registered(environment)
    if spec.id.startswith("ALE/") or spec.entry_point is None:
        return VectorisedEnvironments(environment, count, threads)
    return SingleEnvironments(environment, count)


def _registered(environment: EnvironmentSpec) -> Any:
    _register_atari(environment.id)
    try:
        return gymnasium.spec(environment.id) if ":" not in environment.id else _imported(environment.id)
    except gymnasium.error.Error as error:
        hint = str(error).replace("`", "'")
        raise EnvironmentProblem(
            f"no environment {environment.id!r}: {hint} Gymnasium's ids look like CartPole-v1; your own are named "
            "module:Id-v0, with the module that registers them"
        ) from None


def _imported(name: str) -> Any:
    import importlib

    module, _, identifier = name.partition(":")
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise EnvironmentProblem(f"environment {name!r}: cannot import {module!r}: {error}") from None
    return gymnasium.spec(identifier)


def _register_atari(identifier: str) -> None:
    if not identifier.startswith("ALE/"):
        return
    try:
        import ale_py
    except ImportError:
        raise EnvironmentProblem(_missing(identifier, "ale_py", "atari")) from None
    gymnasium.register_envs(ale_py)


def _missing(identifier: str, module: str, extra: str) -> str:
    return f"environment {identifier!r} needs {module}, which is not installed: pip install 'rlreactor[{extra}]'"


_EXTRAS = {"Box2D": "box2d", "box2d": "box2d", "mujoco": "mujoco", "ale_py": "atari", "pygame": "box2d"}


def _make(environment: EnvironmentSpec) -> gymnasium.Env[Any, Any]:
    make = cast("Any", gymnasium.make)  # typed for the options it knows
    try:
        made: gymnasium.Env[Any, Any] = make(environment.id, disable_env_checker=True, **environment.options)
    except gymnasium.error.DependencyNotInstalled as error:
        module = next((m for m in _EXTRAS if m in str(error)), "")
        if not module:
            raise EnvironmentProblem(f"environment {environment.id!r}: {error}") from None
        raise EnvironmentProblem(_missing(environment.id, module, _EXTRAS[module])) from None
    except TypeError as error:
        raise EnvironmentProblem(
            f"environment {environment.id!r} refuses its options {environment.options}: {error}"
        ) from None
    if isinstance(made.observation_space, gymnasium.spaces.Box):
        return made
    flatten = cast("Any", gymnasium.wrappers.FlattenObservation)
    return cast("gymnasium.Env[Any, Any]", flatten(made))


def _described(environment: EnvironmentSpec, observations: Any, actions: Any) -> EnvironmentDescription:
    if not isinstance(observations, gymnasium.spaces.Box):
        raise EnvironmentProblem(f"environment {environment.id!r}: observations are {observations}; expected a Box")
    dtype = np.dtype(observations.dtype)
    return EnvironmentDescription(
        observation_shape=observations.shape,
        observation_dtype="uint8" if dtype == np.uint8 else "float32",
        action=_action(environment, actions),
    )


def _action(environment: EnvironmentSpec, actions: Any) -> DiscreteAction | BoxAction:
    if isinstance(actions, gymnasium.spaces.Discrete):
        return DiscreteAction(n=int(actions.n), start=int(actions.start))
    if isinstance(actions, gymnasium.spaces.Box):
        low, high = (tuple(float(x) for x in np.ravel(bound)) for bound in (actions.low, actions.high))
        return BoxAction(shape=actions.shape, low=low, high=high)
    raise EnvironmentProblem(
        f"environment {environment.id!r}: actions are {actions}; expected Discrete or Box (flatten a MultiDiscrete "
        "into one Discrete with a wrapper)"
    )


class SingleEnvironments:
    """Gymnasium environments one after another in this process, each writing its own row.

    For environments of a few microseconds this is faster than any vector environment that has to gather and copy.
    """

    def __init__(self, environment: EnvironmentSpec, count: int) -> None:
        self.spec = environment
        self.count = count
        self._environments = [_make(environment) for _ in range(count)]
        self._steps = [e.step for e in self._environments]
        space = self._environments[0].observation_space
        self.description = _described(environment, space, self._environments[0].action_space)
        self._shape = self.description.observation_shape
        self._discrete = isinstance(self.description.action, DiscreteAction)

    def reset(self, seeds: Sequence[int], out: NDArray[Any]) -> None:
        for i, environment in enumerate(self._environments):
            out[i] = self._checked(environment.reset(seed=int(seeds[i]))[0], "reset")

    def step(self, actions: NDArray[Any], out: NDArray[Any]) -> Step:
        count, shape = self.count, self._shape
        rewards = np.empty(count, np.float32)
        terminated = np.zeros(count, np.bool_)
        truncated = np.zeros(count, np.bool_)
        final: dict[int, NDArray[Any]] = {}
        given = actions.tolist() if self._discrete else actions
        for i, step in enumerate(self._steps):
            observation, rewards[i], ended, cut, _ = step(given[i])
            if getattr(observation, "shape", None) != shape:
                observation = self._checked(observation, "step")
            if ended or cut:
                terminated[i], truncated[i] = ended, cut
                final[i] = observation
                observation = self._checked(self._environments[i].reset()[0], "reset")
            out[i] = observation
        return Step(rewards, terminated, truncated, final)

    def _checked(self, observation: Any, method: str) -> NDArray[Any]:
        array = np.asarray(observation)
        if array.shape != self._shape:
            raise EnvironmentProblem(
                f"environment {self.spec.id!r}: {method}() returned an observation of shape {array.shape}, but its "
                f"observation_space says {self._shape}; mend the environment or its observation_space"
            )
        return array

    def close(self) -> None:
        for environment in self._environments:
            environment.close()


class VectorisedEnvironments:
    """A Gymnasium vector environment that resets in the step that ends an episode."""

    def __init__(self, environment: EnvironmentSpec, count: int, threads: int) -> None:
        self.spec = environment
        self.count = count
        options: dict[str, Any] = {"autoreset_mode": AutoresetMode.SAME_STEP, **environment.options}
        if environment.id.startswith("ALE/"):
            options.setdefault("num_threads", threads)
        make = cast("Any", gymnasium.make_vec)
        try:
            made = make(environment.id, count, vectorization_mode="vector_entry_point", **options)
        except TypeError as error:
            raise EnvironmentProblem(
                f"vector environment {environment.id!r} refuses its options {options}: {error}; it must be able to "
                "reset in the step that ends an episode (autoreset_mode=SAME_STEP)"
            ) from None
        self._vector: Any = made  # its declared types do not admit a list of seeds
        mode = self._vector.metadata.get("autoreset_mode")
        if mode not in (AutoresetMode.SAME_STEP, AutoresetMode.SAME_STEP.value):
            raise EnvironmentProblem(
                f"vector environment {environment.id!r} resets in mode {mode}; expected SAME_STEP: every other mode "
                "puts steps into a batch that never happened"
            )
        self.description = _described(
            environment, self._vector.single_observation_space, self._vector.single_action_space
        )

    def reset(self, seeds: Sequence[int], out: NDArray[Any]) -> None:
        given = [int(seed) % 2**31 for seed in seeds]
        atari = self.spec.id.startswith("ALE/")  # which takes an array where Gymnasium takes a list
        out[...] = self._vector.reset(seed=np.array(given) if atari else given)[0]

    def step(self, actions: NDArray[Any], out: NDArray[Any]) -> Step:
        observations, rewards, terminated, truncated, info = self._vector.step(actions)
        out[...] = observations
        ended = np.flatnonzero(terminated | truncated)
        final = {int(i): np.asarray(info["final_obs"][i]) for i in ended} if len(ended) else {}
        return Step(rewards.astype(np.float32), terminated.astype(np.bool_), truncated.astype(np.bool_), final)

    def close(self) -> None:
        self._vector.close()
