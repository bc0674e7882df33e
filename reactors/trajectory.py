"""What travels between rollouts and learners: trajectories one way, weights the other."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from rlreactor import Array, Struct
from rlreactor.algos.batch import Batch
from rlreactor.spec import Record

__all__ = ["TRAJECTORY", "WEIGHTS", "batch_of"]

_STEPS = ("horizon", "environments")

TRAJECTORY = Struct(
    observations=Array("policy.observation_dtype", (*_STEPS, "policy.observation_shape")),
    actions=Array("policy.action_dtype", (*_STEPS, "policy.action_shape")),
    log_probabilities=Array(np.float32, _STEPS),
    values=Array(np.float32, _STEPS),
    rewards=Array(np.float32, _STEPS),
    terminated=Array(np.bool_, _STEPS),
    truncated=Array(np.bool_, _STEPS),
    bootstrap=Array(np.float32, _STEPS),
    last_values=Array(np.float32, ("environments",)),
    episode_returns=Array(np.float32, _STEPS),
    episode_lengths=Array(np.int32, _STEPS),
    version=Array(np.int64),
)
"""`horizon` steps of `environments` environments, time-major: the fields of a `Batch`, then for every step that ended
an episode its return and length (0 elsewhere), and the version of the weights that acted."""

WEIGHTS = Struct(flat=Array(np.float32, ("policy.size",)), version=Array(np.int64))
"""A policy as one flat vector, and how many updates it has seen."""

_BATCH_FIELDS = tuple(field.name for field in fields(Batch))


def batch_of(trajectory: Record) -> Batch:
    """The part of a trajectory that an algorithm learns from; nothing is copied."""
    arrays: dict[str, Any] = dict(trajectory)
    return Batch(**{name: arrays[name] for name in _BATCH_FIELDS})
