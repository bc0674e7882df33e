"""A policy that acts: a network and a distribution over its outputs, behind one flat vector."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from .arrays import Array
from .distributions import distribution_of
from .outputs import Outputs
from .policy_spec import BoxAction, DiscreteAction, PolicySpec

__all__ = ["BoxAction", "DiscreteAction", "Policy", "PolicySpec"]


class Network(Protocol):
    def load(self, flat: Array) -> None:
        """Use the weights of `flat` from now on."""

    def outputs(self, observations: Array) -> Outputs:
        """Outputs for raw observations [B, *observation_shape]; valid until the next call."""
        ...


def network(spec: PolicySpec, flat: Array, device: str = "cpu") -> Network:
    """The network of `spec` for acting; only a CNN imports torch."""
    if spec.network == "mlp":
        from .mlp import MLP

        return MLP(spec, flat)
    from .nature_cnn import NatureCNN

    return NatureCNN(spec, flat, device)


class Policy:
    """pi(a|s) and V(s) for B environments at a time; observations are raw, never normalised.

    The parameters are views of `flat` float32 [size] (a CNN copies what it computes with in another
    precision or on another device, and its first kernel).
    """

    def __init__(self, spec: PolicySpec, flat: Array, device: str = "cpu") -> None:
        self.spec = spec
        self.flat = flat
        self._network = network(spec, flat, device)
        if isinstance(spec.action, BoxAction):
            self._low = np.array(spec.action.low, np.float32)
            self._high = np.array(spec.action.high, np.float32)

    def load(self, flat: Array) -> None:
        """Point the parameters at another flat vector; an MLP copies nothing."""
        self.flat = flat
        self._network.load(flat)

    def act(self, observations: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        """Sampled actions (int64 [B] or float32 [B, A]), log pi(a) [B] and V(s) [B].

        Box actions are as sampled; `to_environment` brings them within the bounds.
        """
        outputs = self._outputs(observations)
        distribution = distribution_of(outputs)
        actions = distribution.sample(rng)
        return actions, distribution.log_probability(actions), outputs.values.copy()

    def mode(self, observations: Array) -> Array:
        """The likeliest actions, int64 [B] or float32 [B, A]."""
        return distribution_of(self._outputs(observations)).mode()

    def value(self, observations: Array) -> Array:
        """V(s), float32 [B]."""
        return self._outputs(observations).values.copy()

    def _outputs(self, observations: Array) -> Outputs:
        if observations.shape[1:] != self.spec.observation_shape:
            raise ValueError(
                f"observations: expected shape [B, {str(list(self.spec.observation_shape))[1:]}, "
                f"received {list(observations.shape)}"
            )
        return self._network.outputs(observations)

    def to_environment(self, actions: Array) -> Array:
        """Actions as the environment takes them: clipped to the bounds, in its shape."""
        action = self.spec.action
        if isinstance(action, DiscreteAction):
            return actions + action.start if action.start else actions
        within: Array = np.minimum(np.maximum(actions, self._low), self._high)
        return within.reshape(-1, *action.shape)
