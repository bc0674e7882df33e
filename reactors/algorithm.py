"""Algorithms by their configuration: which class learns, loaded only on the worker that needs it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rlreactor.algos.batch import Batch
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.algos.ppo_config import PPOConfig
from rlreactor.algos.sharing import ALONE, Share, Shared

__all__ = ["Algorithm", "AlgorithmConfig", "load_algorithm"]

AlgorithmConfig = PPOConfig
"""The configuration of any on-policy algorithm (a union, once there are several)."""

_LEARNERS = {PPOConfig: ("rlreactor.algos.ppo", "PPO")}


class Algorithm(Protocol):
    """What learns from batches."""

    flat: NDArray[np.float32]

    def update(self, batches: Sequence[Batch]) -> Mapping[str, float]:
        """Learn from one batch per rollout, in index order; `flat` is then the new policy."""
        ...

    def shared_update(self, batches: Sequence[Batch]) -> Shared[Mapping[str, float]]:
        """The same together with the other learners; of them all come the same metrics and the same policy."""
        ...

    def state(self) -> Mapping[str, Any]:
        """Everything that an update reads or changes, as arrays and plain numbers."""
        ...

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from `state` as if nothing had happened since it was taken; `flat` keeps its memory."""


def load_algorithm(
    config: AlgorithmConfig,
    policy: PolicySpec,
    *,
    updates_total: int,
    seed: int,
    device: str,
    share: Share = ALONE,
) -> Algorithm:
    """The learner that `config` belongs to; learners that share every update have the same `seed`."""
    module, name = _LEARNERS[type(config)]
    learner: Any = getattr(importlib.import_module(module), name)
    made: Algorithm = learner(config, policy, updates_total=updates_total, seed=seed, device=device, share=share)
    return made
