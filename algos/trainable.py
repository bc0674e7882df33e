"""What the update of an algorithm needs from a network, whatever it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from .arrays import Array
from .outputs import Outputs
from .policy_spec import PolicySpec
from .sharing import Part


class Trainable(Protocol):
    """A network with its optimiser. `flat` float32 [size] holds the weights and the tail."""

    flat: Array

    def load(self) -> None:
        """Take over `flat`, which was changed from outside."""

    def publish(self) -> None:
        """Bring `flat` up to date with what was trained."""

    def observe(self, observations: Sequence[Array]) -> None:
        """Take the raw observations of an update, [T, B_i, *observation_shape] of rollout i.

        Together they are N = T * sum B_i rows, numbered t * sum B_i + column.
        """

    def shuffle(self, order: Array) -> None:
        """From now on row i is row order[i] of what was observed; int64 [N]."""

    def outputs(self, start: int, stop: int) -> Outputs:
        """Outputs for rows start to stop; valid until the next call."""
        ...

    def gradient(self, start: int, stop: int, by_outputs: Outputs) -> Part:
        """The gradient by all weights, flat, for the rows just put out; valid until the next call."""
        ...

    def descend(self, gradient: Part, *, learning_rate: float, max_gradient_norm: float) -> float:
        """One step down `gradient`, such as `gradient` returns; returns its norm before clipping."""
        ...

    def state(self) -> dict[str, Any]:
        """What the optimiser remembers, as arrays and plain numbers."""
        ...

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from `state`."""


def trainable(spec: PolicySpec, flat: Array, device: str, *, channels_last: bool = True) -> Trainable:
    """The network of `spec` with an optimiser; only a CNN imports torch and knows channels."""
    if spec.network == "mlp":
        from .mlp import TrainableMLP

        return TrainableMLP(spec, flat)
    from .nature_cnn import TrainableNatureCNN

    return TrainableNatureCNN(spec, flat, device, channels_last=channels_last)
