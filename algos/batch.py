"""What one rollout hands to a learner: T steps of B environments, time-major."""

from __future__ import annotations

from dataclasses import dataclass, fields

from .arrays import Array, Shape, check_array, check_finite
from .policy_spec import PolicySpec


@dataclass(frozen=True, slots=True)
class Batch:
    """Arrays of one rollout; nothing in it is normalised.

    After a step that ended its episode the next observation is the first of a new one.
    """

    observations: Array
    """[T, B, *observation_shape], what the policy saw."""
    actions: Array
    """int64 [T, B] or float32 [T, B, A], as sampled, before any clipping to bounds."""
    log_probabilities: Array
    """float32 [T, B], log pi(a|s) of the policy that acted."""
    values: Array
    """float32 [T, B], V(s)."""
    rewards: Array
    """float32 [T, B], received for the action."""
    terminated: Array
    """bool [T, B], the episode ended in a state of value 0."""
    truncated: Array
    """bool [T, B], the episode was cut off from outside."""
    bootstrap: Array
    """float32 [T, B], V of the last observation of a truncated episode, anything elsewhere."""
    last_values: Array
    """float32 [B], V of the observations after the last step."""


def batch_layout(spec: PolicySpec, horizon: int, environments: int) -> dict[str, tuple[str, Shape]]:
    """Name of each field of a `Batch` with its dtype and shape, for T and B as given."""
    steps = (horizon, environments)
    return {
        "observations": (spec.observation_dtype, (*steps, *spec.observation_shape)),
        "actions": (spec.action_dtype, (*steps, *spec.action_shape)),
        "log_probabilities": ("float32", steps),
        "values": ("float32", steps),
        "rewards": ("float32", steps),
        "terminated": ("bool", steps),
        "truncated": ("bool", steps),
        "bootstrap": ("float32", steps),
        "last_values": ("float32", (environments,)),
    }


def check_batch(name: str, batch: Batch, spec: PolicySpec, horizon: int) -> None:
    """Refuse a batch with an array of wrong dtype or shape, or with infinite or missing numbers."""
    if batch.last_values.ndim != 1:
        received = list(batch.last_values.shape)
        raise ValueError(f"{name}.last_values: expected float32[B], received shape {received}")
    expected = batch_layout(spec, horizon, len(batch.last_values))
    for field in fields(batch):
        dtype, shape = expected[field.name]
        array = getattr(batch, field.name)
        check_array(f"{name}.{field.name}", array, dtype, shape)
        if field.name != "bootstrap":
            check_finite(f"{name}.{field.name}", array)
