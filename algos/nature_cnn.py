"""The convolutional network of Mnih et al. 2015 with a policy and a value head, in torch.

Forward and backward are torch's; the loss and its gradient by the outputs are the same numpy code
that serves the MLP, so the few outputs of a minibatch travel to the host and back. Shapes: B rows,
images uint8 [B, C, H, W].
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from .adam import BETA_1, BETA_2, EPSILON
from .arrays import Array, check_array, check_names
from .layout import NATURE_CONVOLUTIONS
from .outputs import Outputs
from .policy_spec import PolicySpec


def views(spec: PolicySpec, flat: torch.Tensor) -> dict[str, torch.Tensor]:
    """Cut `flat` into named views that autograd takes for independent leaves."""
    named: dict[str, torch.Tensor] = {}
    start = 0
    for name, shape in spec.parameters():
        size = math.prod(shape)
        named[name] = flat.detach().narrow(0, start, size).view(shape)
        start += size
    return named


class _Weights:
    """Named views of one flat tensor, bound to attributes."""

    def __init__(self, named: Mapping[str, torch.Tensor]) -> None:
        self.convolutions = [
            (named[f"convolution.{index}.weight"], named[f"convolution.{index}.bias"], stride)
            for index, (_, _, stride) in enumerate(NATURE_CONVOLUTIONS)
        ]
        self.features = (named["features.weight"], named["features.bias"])
        self.actor = (named["actor.weight"], named["actor.bias"])
        self.critic = (named["critic.weight"], named["critic.bias"])
        self.log_std = named.get("log_std")


def trained_weights(spec: PolicySpec, flat: torch.Tensor, gradient: torch.Tensor) -> _Weights:
    """Weights whose gradients are accumulated straight into the flat vector `gradient`."""
    named = views(spec, flat)
    for name, by in views(spec, gradient).items():
        named[name].requires_grad_()
        named[name].grad = by
    return _Weights(named)


def forward(weights: _Weights, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Head [B, A] and values [B] for images uint8 [B, C, H, W].

    Channels lie last in memory: on a CPU, forward and backward then take two thirds of the time.
    """
    layout = torch.channels_last
    x = images.to(torch.float32, memory_format=layout).mul_(1.0 / 255.0)
    for weight, bias, stride in weights.convolutions:
        kernel = weight.contiguous(memory_format=layout)
        x = functional.conv2d(x, kernel, bias, stride=stride).relu_()
    x = functional.linear(x.flatten(1), *weights.features).relu_()
    return functional.linear(x, *weights.actor), functional.linear(x, *weights.critic)[:, 0]


def to_device(array: Array, device: torch.device) -> torch.Tensor:
    """`array` as a tensor; on the CPU the same memory, which must then only be read."""
    if array.flags.writeable:
        return torch.from_numpy(array).to(device)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array).to(device)


def to_host(tensor: torch.Tensor) -> Array:
    array: Array = tensor.detach().cpu().numpy()
    return array


class NatureCNN:
    """The network for acting. On the CPU its weights are views of `flat`."""

    def __init__(self, spec: PolicySpec, flat: Array, device: str = "cpu") -> None:
        self._spec = spec
        self._device = torch.device(device)
        self.load(flat)

    def load(self, flat: Array) -> None:
        check_array("the flat vector of weights", flat, np.float32, (self._spec.size,))
        self._weights = _Weights(views(self._spec, to_device(flat, self._device)))

    def outputs(self, observations: Array) -> Outputs:
        with torch.inference_mode():
            head, values = forward(self._weights, to_device(observations, self._device))
            log_std = self._weights.log_std
            return Outputs(to_host(head), to_host(values), None if log_std is None else to_host(log_std))


class TrainableNatureCNN:
    """A `Trainable` (see there) on any torch device; images of one update are kept on it."""

    def __init__(self, spec: PolicySpec, flat: Array, device: str = "cpu") -> None:
        self.flat = flat
        self._device = torch.device(device)
        torch.backends.cudnn.deterministic = True
        self._parameters = torch.tensor(flat, device=self._device)
        self._gradient = torch.zeros_like(self._parameters)
        self._weights = trained_weights(spec, self._parameters, self._gradient)
        self._parameters.grad = self._gradient
        self._optimiser = torch.optim.Adam([self._parameters], betas=(BETA_1, BETA_2), eps=EPSILON, fused=True)
        self._images = torch.empty((0, *spec.observation_shape), dtype=torch.uint8)
        self._order = torch.empty(0, dtype=torch.int64)
        self._outputs: list[torch.Tensor] = []

    def load(self) -> None:
        self._parameters.copy_(torch.from_numpy(self.flat))

    def publish(self) -> None:
        self.flat[:] = to_host(self._parameters)

    def observe(self, observations: Sequence[Array]) -> None:
        steps, rows = len(observations[0]), sum(part.shape[1] for part in observations)
        shape = (steps, rows, *observations[0].shape[2:])
        images = torch.empty(shape, dtype=torch.uint8, device=self._device)
        start = 0
        for part in observations:
            images[:, start : start + part.shape[1]] = to_device(part, self._device)
            start += part.shape[1]
        self._images = images.flatten(0, 1)

    def shuffle(self, order: Array) -> None:
        """Only the order is kept: images are gathered a minibatch at a time."""
        self._order = torch.from_numpy(order).to(self._device)

    def outputs(self, start: int, stop: int) -> Outputs:
        images = self._images.index_select(0, self._order[start:stop])
        head, values = forward(self._weights, images)
        self._outputs = [head, values]
        if self._weights.log_std is None:
            return Outputs(to_host(head), to_host(values), None)
        self._outputs.append(self._weights.log_std)
        return Outputs(to_host(head), to_host(values), to_host(self._weights.log_std))

    def step(
        self,
        start: int,
        stop: int,
        by_outputs: Outputs,
        *,
        learning_rate: float,
        max_gradient_norm: float,
    ) -> float:
        by = [torch.from_numpy(part).to(self._device) for part in by_outputs if part is not None]
        self._gradient.zero_()
        torch.autograd.backward(self._outputs, by)
        norm = torch.nn.utils.clip_grad_norm_([self._parameters], max_gradient_norm)
        self._optimiser.param_groups[0]["lr"] = learning_rate
        self._optimiser.step()
        self._outputs = []
        return float(norm)

    def state(self) -> dict[str, Any]:
        moments = self._optimiser.state.get(self._parameters)
        if not moments:
            zeros = np.zeros_like(self.flat)
            return {"adam.m": zeros, "adam.v": zeros.copy(), "adam.t": 0}
        return {
            "adam.m": to_host(moments["exp_avg"]).copy(),
            "adam.v": to_host(moments["exp_avg_sq"]).copy(),
            "adam.t": int(moments["step"]),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        check_names("state of the nature_cnn", state, self.state())
        for name in ("adam.m", "adam.v"):
            check_array(name, state[name], np.float32, self.flat.shape)
        self._optimiser.state[self._parameters] = {
            "exp_avg": torch.from_numpy(state["adam.m"].copy()).to(self._device),
            "exp_avg_sq": torch.from_numpy(state["adam.v"].copy()).to(self._device),
            "step": torch.tensor(float(state["adam.t"]), device=self._device),
        }
