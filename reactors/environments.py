"""Environments by name: which kind steps them."""

from __future__ import annotations

from rlreactor.reactors.environment_spec import EnvironmentSpec
from rlreactor.reactors.environments_protocol import TERMINATED, TRUNCATED, Ended, Environments, Final, Rewards
from rlreactor.reactors.gymnasium_environments import registered
from rlreactor.reactors.kept_environments import KeptEnvironments, KeptEpisodes
from rlreactor.reactors.single_environments import SingleEnvironments
from rlreactor.reactors.vector_environments import VectorEnvironments

__all__ = ["TERMINATED", "TRUNCATED", "Ended", "Environments", "Final", "Rewards", "make_environments"]


def make_environments(
    environment: EnvironmentSpec, count: int, threads: int = 1, *, kept: bool = False
) -> Environments:
    """`count` environments of a kind, stepped by `threads` threads where their library has threads.

    `envpool:ID` are EnvPool's; `ALE/...` those of ale_py's vector environment (84 x 84 x 4, grey), or with the option
    obs_type the emulator's own frames; the others Gymnasium's. Results do not depend on `threads`. Only those that are
    `kept` can tell what a snapshot needs.

    Raises EnvironmentProblem, saying what to do.
    """
    made = _made(environment, count, threads)
    if not kept:
        return made
    if isinstance(made, SingleEnvironments) and made.follow_from_origins:
        return KeptEpisodes(made)
    return KeptEnvironments(made)


def _made(environment: EnvironmentSpec, count: int, threads: int) -> Environments:
    if environment.id.startswith("envpool:"):
        from rlreactor.reactors.envpool_environments import EnvPoolEnvironments

        return EnvPoolEnvironments(environment, count, threads)
    spec = registered(environment)
    if environment.id.startswith("ALE/") and "obs_type" in environment.options and not spec.additional_wrappers:
        from rlreactor.reactors.atari_frames import AtariFrames

        return AtariFrames(environment, count)
    if environment.id.startswith("ALE/") or spec.entry_point is None:
        return VectorEnvironments(environment, count, threads)
    return SingleEnvironments(environment, count)
