"""Actor and critic perceptrons in numpy, with their own backward pass.

Small networks on small batches are bound by the overhead of calls, not by arithmetic, so this file
makes few of them: actor and critic lie stacked along a leading axis of 2 (one matmul serves both),
results go into arrays kept for each number of rows, and no torch is imported. Shapes: B rows, I
observation components, H units, A columns of the head.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .adam import Adam, clip_scale
from .arrays import Array, check_array, check_names, views
from .normalise import CLIP, EPSILON
from .outputs import Outputs
from .policy_spec import PolicySpec


class _Workspace:
    """Arrays for one number of rows.

    The head is kept in Fortran order: sums over its few columns then run along the rows.
    """

    def __init__(self, spec: PolicySpec, rows: int) -> None:
        self.features = np.empty((rows, spec.observation_size), np.float32)
        self.hidden = [np.empty((2, rows, units), np.float32) for units in spec.hidden]
        self.by_hidden = [np.empty_like(hidden) for hidden in self.hidden]
        self.head = np.empty((rows, spec.action_size), np.float32, order="F")
        self.values = np.empty(rows, np.float32)
        self.ones = np.ones((1, rows), np.float32)


class _Weights:
    """Named views of one flat vector, bound to attributes for speed."""

    def __init__(self, spec: PolicySpec, flat: Array) -> None:
        named = views(flat, spec.parameters())
        layers = range(len(spec.hidden))
        self.hidden = [named[f"hidden.{layer}.weight"] for layer in layers]
        self.hidden_bias = [named[f"hidden.{layer}.bias"][:, None, :] for layer in layers]
        self.actor = named["actor.weight"]
        self.actor_bias = named["actor.bias"]
        self.critic = named["critic.weight"][:, 0]
        self.critic_bias = named["critic.bias"]
        self.log_std = named.get("log_std")
        self.observation_mean = named.get("observation_mean")
        self.observation_variance = named.get("observation_variance")


class MLP:
    """Forward and backward pass; its weights are views of the flat vector given to `load`."""

    def __init__(self, spec: PolicySpec, flat: Array) -> None:
        self.spec = spec
        self._relu = spec.activation == "relu"
        self._workspaces: dict[int, _Workspace] = {}
        self.load(flat)

    def load(self, flat: Array) -> None:
        """Use `flat` float32 [size] from now on, without copying it."""
        self._weights = _Weights(self.spec, flat)
        self.load_observation_statistics()

    def load_observation_statistics(self) -> None:
        """Derive the scale of observations from the tail of the flat vector."""
        variance = self._weights.observation_variance
        if variance is not None:
            self._inverse_std = np.reciprocal(np.sqrt(variance + np.float32(EPSILON)))

    def features(self, observations: Array, out: Array | None = None) -> Array:
        """Flattened, and if the spec says so normalised, float32 [B, I]; raw ones [B, ...]."""
        rows = len(observations)
        features = self._workspace(rows).features if out is None else out
        flat = observations.reshape(rows, -1)
        mean = self._weights.observation_mean
        if mean is None:
            features[...] = flat
            return features
        np.subtract(flat, mean, out=features, casting="same_kind")
        features *= self._inverse_std
        np.maximum(features, -CLIP, out=features)
        return np.minimum(features, CLIP, out=features)

    def outputs(self, observations: Array) -> Outputs:
        """Outputs for raw observations; overwritten by the next call with as many rows."""
        return self.forward(self.features(observations))

    def forward(self, features: Array) -> Outputs:
        """Outputs for features [B, I]; overwritten by the next call with as many rows."""
        weights, work = self._weights, self._workspace(len(features))
        below = features
        for weight, bias, hidden in zip(weights.hidden, weights.hidden_bias, work.hidden, strict=True):
            np.matmul(below, weight, out=hidden)
            hidden += bias
            if self._relu:
                np.maximum(hidden, 0.0, out=hidden)
            else:
                np.tanh(hidden, out=hidden)
            below = hidden
        head = np.matmul(below[0], weights.actor, out=work.head)
        head += weights.actor_bias
        values = np.dot(below[1], weights.critic, out=work.values)
        values += weights.critic_bias
        return Outputs(head, values, weights.log_std)

    def backward(self, features: Array, by_outputs: Outputs, gradient: _Weights) -> None:
        """Fill `gradient` for the rows of the last `forward`, whose activations it consumes."""
        weights, work = self._weights, self._workspace(len(features))
        self._head_backward(work, by_outputs, gradient)
        for layer in reversed(range(len(work.hidden))):
            by_hidden, hidden = work.by_hidden[layer], work.hidden[layer]
            self._activation_backward(hidden, by_hidden)
            below = work.hidden[layer - 1] if layer else features
            np.matmul(below.swapaxes(-1, -2), by_hidden, out=gradient.hidden[layer])
            np.matmul(work.ones, by_hidden, out=gradient.hidden_bias[layer])
            if layer:
                transposed = weights.hidden[layer].swapaxes(-1, -2)
                np.matmul(by_hidden, transposed, out=work.by_hidden[layer - 1])

    def _head_backward(self, work: _Workspace, by_outputs: Outputs, gradient: _Weights) -> None:
        weights, by_head, by_values = self._weights, by_outputs.head, by_outputs.values
        (actor_top, critic_top), by_top = work.hidden[-1], work.by_hidden[-1]
        np.matmul(actor_top.T, by_head, out=gradient.actor)
        np.add.reduce(by_head, axis=0, out=gradient.actor_bias)
        gradient.critic[:] = np.dot(by_values, critic_top)
        gradient.critic_bias[0] = np.add.reduce(by_values)
        np.matmul(by_head, weights.actor.T, out=by_top[0])
        np.multiply(by_values[:, None], weights.critic, out=by_top[1])
        if gradient.log_std is not None and by_outputs.log_std is not None:
            gradient.log_std[:] = by_outputs.log_std

    def _activation_backward(self, hidden: Array, by_hidden: Array) -> None:
        """Multiply by the derivative, 1 - h^2 (tanh) or [h > 0] (relu); overwrites `hidden`."""
        if self._relu:
            np.multiply(by_hidden, hidden > 0.0, out=by_hidden)
            return
        np.square(hidden, out=hidden)
        np.subtract(1.0, hidden, out=hidden)
        np.multiply(by_hidden, hidden, out=by_hidden)

    def _workspace(self, rows: int) -> _Workspace:
        workspace = self._workspaces.get(rows)
        if workspace is None:
            workspace = self._workspaces[rows] = _Workspace(self.spec, rows)
        return workspace


class TrainableMLP:
    """A `Trainable` (see there) with features, gradient and Adam in numpy."""

    def __init__(self, spec: PolicySpec, flat: Array) -> None:
        self.flat = flat
        self._network = MLP(spec, flat)
        self._trained = flat[: spec.trained_size()]
        gradient = np.zeros(spec.size, np.float32)
        self._gradient_views = _Weights(spec, gradient)
        self._gradient = gradient[: spec.trained_size()]
        self._adam = Adam(spec.trained_size())
        self._features = self._shuffled = np.empty((0, spec.observation_size), np.float32)

    def observe(self, observations: Sequence[Array]) -> None:
        """Take the raw observations of an update, [T, B_i, ...] of rollout i."""
        steps, rows = len(observations[0]), sum(part.shape[1] for part in observations)
        features = np.empty((steps, rows, self._features.shape[1]), np.float32)
        self._network.load_observation_statistics()
        start = 0
        for part in observations:
            stop = start + part.shape[1]
            flat = part.reshape(-1, *part.shape[2:])
            scaled = np.empty((len(flat), features.shape[2]), np.float32)
            self._network.features(flat, out=scaled)
            features[:, start:stop] = scaled.reshape(steps, part.shape[1], -1)
            start = stop
        self._features = features.reshape(steps * rows, -1)
        self._shuffled = np.empty_like(self._features)

    def shuffle(self, order: Array) -> None:
        """From now on row i of a minibatch is row order[i] of what was observed."""
        np.take(self._features, order, axis=0, out=self._shuffled, mode="clip")

    def outputs(self, start: int, stop: int) -> Outputs:
        return self._network.forward(self._shuffled[start:stop])

    def gradient(self, start: int, stop: int, by_outputs: Outputs) -> Array:
        """The gradient for the rows just put out, float32 [trained size]; overwritten by the next call."""
        self._network.backward(self._shuffled[start:stop], by_outputs, self._gradient_views)
        return self._gradient

    def descend(self, gradient: Array, *, learning_rate: float, max_gradient_norm: float) -> float:
        """One step of Adam; returns the norm before clipping."""
        norm, scale = clip_scale(gradient, max_gradient_norm)
        self._adam.step(self._trained, gradient, learning_rate=learning_rate, scale=scale)
        return norm

    def load(self) -> None:
        """`flat` is what is trained: only the scale of observations follows from it."""
        self._network.load_observation_statistics()

    def publish(self) -> None:
        """`flat` is what is trained: nothing to do."""

    def state(self) -> dict[str, Any]:
        return {"adam.m": self._adam.m, "adam.v": self._adam.v, "adam.t": self._adam.t}

    def load_state(self, state: Mapping[str, Any]) -> None:
        check_names("state of the mlp", state, self.state())
        for name, moments in (("adam.m", self._adam.m), ("adam.v", self._adam.v)):
            check_array(name, state[name], np.float32, moments.shape)
            moments[:] = state[name]
        self._adam.t = int(state["adam.t"])
