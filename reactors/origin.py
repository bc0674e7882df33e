"""Origins: what the next episode of a single environment follows from, taken just before its reset.

Gymnasium's environments draw from their `np_random`, and go on drawing from it where they are reset without a seed. An
Atari emulator has random numbers of its own for sticky actions, and memory that outlives a reset: its whole state is
taken (14 kB). Both are taken before the reset and not after it: what an emulator does not give away of itself (the
action that sticks, the screen) a reset sets.

But an environment may carry something over from one episode to the next that nobody sees: BipedalWalker keeps its
Box2D world, and an episode in a used one soon differs from the same episode in a new one. So episodes are taken to
follow from their origins only where that is known.
"""

from __future__ import annotations

import sys
from typing import Any

import gymnasium
from gymnasium.wrappers import FlattenObservation, OrderEnforcing, PassiveEnvChecker, TimeLimit

from rlreactor.dynamic import is_a

__all__ = ["INDEPENDENT_EPISODES", "Origin", "follows_from_origin", "origin_of", "put_back"]

INDEPENDENT_EPISODES = "independent_episodes"
"""In the metadata of an environment: True says that nothing but its np_random is carried over to the next episode."""

_KNOWN = (
    "gymnasium.envs.classic_control.",
    "gymnasium.envs.toy_text.",
    "gymnasium.envs.box2d.lunar_lander",  # its world is a new one in every episode
    "gymnasium.envs.mujoco.",
    "ale_py.",
    "rlreactor.reactors.atari_frames",
)
_WITHOUT_MEMORY = (FlattenObservation, OrderEnforcing, PassiveEnvChecker, TimeLimit)

Origin = dict[str, Any]
"""Plain data."""


def follows_from_origin(environment: gymnasium.Env[Any, Any]) -> bool:
    """Whether an episode is known to follow from its origin and its actions alone."""
    if environment.metadata.get(INDEPENDENT_EPISODES) is not None:
        return bool(environment.metadata[INDEPENDENT_EPISODES])
    inner: Any = environment
    while is_a(inner, *_WITHOUT_MEMORY):
        inner = inner.env
    return f"{type(inner).__module__}.".startswith(_KNOWN)


def origin_of(environment: gymnasium.Env[Any, Any]) -> Origin:
    """What the episode follows from that the next reset without a seed begins."""
    generator = getattr(environment.unwrapped.np_random, "bit_generator", None)
    origin: Origin = {"generator": None if generator is None else generator.state}
    emulator = _emulator(environment)
    if emulator is not None:
        origin["emulator"] = emulator.cloneState(include_rng=True).serialize()
    return origin


def put_back(environment: gymnasium.Env[Any, Any], origin: Origin) -> None:
    """Let the next reset without a seed begin the episode that follows from `origin`."""
    if origin["generator"] is not None:
        environment.unwrapped.np_random.bit_generator.state = origin["generator"]
    if "emulator" in origin:
        _emulator(environment).restoreState(sys.modules["ale_py"].ALEState(origin["emulator"]))


def _emulator(environment: gymnasium.Env[Any, Any]) -> Any:
    """That of an Atari environment, whatever wraps it; else None. Who has made one has imported ale_py."""
    ale_py: Any = sys.modules.get("ale_py")
    single: Any = environment.unwrapped
    return single.ale if ale_py is not None and isinstance(single, ale_py.AtariEnv) else None
