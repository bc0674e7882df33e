"""Gymnasium's environments by their ids: found, made, described."""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any, NamedTuple, cast

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec

from rlreactor.algos.policy_spec import BoxAction, DiscreteAction
from rlreactor.reactors.environment_spec import EnvironmentDescription, EnvironmentProblem, EnvironmentSpec

__all__ = ["Limited", "described", "make_single", "missing", "registered"]


class Limited(NamedTuple):
    """A single environment, and after how many steps its episodes are cut; None: it sees to that itself."""

    environment: gymnasium.Env[Any, Any]
    limit: int | None


def registered(environment: EnvironmentSpec) -> EnvSpec:
    """What Gymnasium knows of an id. Raises EnvironmentProblem, saying what to do."""
    _register_atari(environment.id)
    try:
        return gymnasium.spec(environment.id) if ":" not in environment.id else _imported(environment.id)
    except gymnasium.error.Error as error:
        hint = str(error).replace("`", "'")
        raise EnvironmentProblem(
            f"no environment {environment.id!r}: {hint} Gymnasium's ids look like CartPole-v1; your own are named "
            "module:Id-v0, with the module that registers them"
        ) from None


def _imported(name: str) -> EnvSpec:
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
        raise EnvironmentProblem(missing(identifier, "ale_py", "atari")) from None
    gymnasium.register_envs(ale_py)


def missing(identifier: str, module: str, extra: str) -> str:
    """What to say where a package is not installed."""
    return f"environment {identifier!r} needs {module}, which is not installed: pip install 'rlreactor[{extra}]'"


_EXTRAS = {"Box2D": "box2d", "box2d": "box2d", "mujoco": "mujoco", "ale_py": "atari", "pygame": "box2d"}


def make_single(environment: EnvironmentSpec, entry_point: Any = None) -> Limited:
    """One environment without the wrappers that only count steps and watch the order of calls.

    Both take a tenth of a step of CartPole. Whoever steps it counts, and never steps before a reset. An environment
    with further wrappers keeps all of them, since these may look at what the inner ones do.

    Args:
        environment: which, and its options.
        entry_point: makes it instead of the registered one.

    Raises:
        EnvironmentProblem: it cannot be made; the message says what to do.
    """
    spec, options = registered(environment), dict(environment.options)
    if spec.additional_wrappers:
        return Limited(_made(environment, spec, options), None)
    limit = options.pop("max_episode_steps", spec.max_episode_steps)
    bare = dataclasses.replace(spec, order_enforce=False, entry_point=entry_point or spec.entry_point)
    made = _made(environment, bare, {**options, "max_episode_steps": -1})
    return Limited(made, None if limit is None or limit < 0 else int(limit))


def _made(environment: EnvironmentSpec, spec: EnvSpec, options: dict[str, Any]) -> gymnasium.Env[Any, Any]:
    make = cast("Any", gymnasium.make)  # typed for the options it knows
    try:
        made: gymnasium.Env[Any, Any] = make(spec, disable_env_checker=True, **options)
    except gymnasium.error.DependencyNotInstalled as error:
        module = next((m for m in _EXTRAS if m in str(error)), "")
        if not module:
            raise EnvironmentProblem(f"environment {environment.id!r}: {error}") from None
        raise EnvironmentProblem(missing(environment.id, module, _EXTRAS[module])) from None
    except TypeError as error:
        raise EnvironmentProblem(
            f"environment {environment.id!r} refuses its options {environment.options}: {error}"
        ) from None
    if isinstance(made.observation_space, gymnasium.spaces.Box):
        return made
    flatten = cast("Any", gymnasium.wrappers.FlattenObservation)
    return cast("gymnasium.Env[Any, Any]", flatten(made))


def described(environment: EnvironmentSpec, observations: Any, actions: Any) -> EnvironmentDescription:
    """The spaces of one environment as plain data. Raises EnvironmentProblem for spaces of other kinds."""
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
