"""The convolutional network of Mnih et al. 2015 with a policy and a value head, in torch.

Forward and backward are torch's; the loss and its gradient by the outputs are the same numpy code
that serves the MLP, so the few outputs of a minibatch travel to the host and back. Convolutions and
features compute in the precision of the spec; weights, heads and optimiser are float32. Shapes:
B rows, images uint8 [B, C, H, W], T steps.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn import functional

from .adam import BETA_1, BETA_2, EPSILON
from .arrays import Array, check_array, check_names
from .layout import NATURE_CONVOLUTIONS
from .outputs import Outputs
from .policy_spec import PolicySpec
from .precision import Precision

_DTYPES: dict[Precision, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_STRIDES = tuple(stride for _, _, stride in NATURE_CONVOLUTIONS)
_SCALE = 1.0 / 255.0
"""What brings a pixel to [0, 1]. It is multiplied into the first kernel: bfloat16 holds the whole
numbers 0 to 255 exactly, but not their 255th parts, and there are fewer weights than pixels."""

Layer = tuple[torch.Tensor, torch.Tensor]
"""Weight and bias."""


def views(spec: PolicySpec, flat: torch.Tensor) -> dict[str, torch.Tensor]:
    """Cut `flat` into named views that autograd takes for independent leaves."""
    named: dict[str, torch.Tensor] = {}
    start = 0
    for name, shape in spec.parameters():
        size = math.prod(shape)
        named[name] = flat.detach().narrow(0, start, size).view(shape)
        start += size
    return named


class _Weights(NamedTuple):
    """The network's arrays by their place in it."""

    convolutions: list[Layer]
    features: Layer
    actor: Layer
    critic: Layer
    log_std: torch.Tensor | None


def _weights(named: Mapping[str, torch.Tensor]) -> _Weights:
    def layer(name: str) -> Layer:
        return named[f"{name}.weight"], named[f"{name}.bias"]

    convolutions = [layer(f"convolution.{index}") for index in range(len(NATURE_CONVOLUTIONS))]
    return _Weights(convolutions, layer("features"), layer("actor"), layer("critic"), named.get("log_std"))


def computing(weights: _Weights, precision: Precision, layout: torch.memory_format) -> _Weights:
    """The weights as `forward` takes them: in another precision or layout copies, else the same."""
    dtype = _DTYPES[precision]
    (first, first_bias), *others = weights.convolutions
    kernels = [(first * _SCALE, first_bias), *others]
    convolutions = [(weight.to(dtype, memory_format=layout), bias.to(dtype)) for weight, bias in kernels]
    features, features_bias = weights.features
    return weights._replace(convolutions=convolutions, features=(features.to(dtype), features_bias.to(dtype)))


def forward(weights: _Weights, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Head [B, A] and values [B], float32, for pixels 0 to 255 [B, C, H, W] of the weights' dtype.

    The last convolution is flattened before its relu, whose gradient then lies in memory as it does.
    """
    first, *others = weights.convolutions
    x = functional.conv2d(images, *first, stride=_STRIDES[0])
    for layer, stride in zip(others, _STRIDES[1:], strict=True):
        x = functional.conv2d(functional.relu_(x), *layer, stride=stride)
    x = functional.relu_(x.flatten(1))
    x = functional.relu_(functional.linear(x, *weights.features)).to(torch.float32)
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
    """The network for acting. On the CPU in float32 its weights are views of `flat`, but for the first kernel."""

    def __init__(self, spec: PolicySpec, flat: Array, device: str = "cpu") -> None:
        self._spec = spec
        self._device = torch.device(device)
        self._dtype = _DTYPES[spec.precision]
        self.load(flat)

    def load(self, flat: Array) -> None:
        check_array("the flat vector of weights", flat, np.float32, (self._spec.size,))
        weights = _weights(views(self._spec, to_device(flat, self._device)))
        # A handful of images is sooner convolved as it lies than laid out anew.
        self._weights = computing(weights, self._spec.precision, torch.contiguous_format)

    def outputs(self, observations: Array) -> Outputs:
        with torch.inference_mode():
            images = to_device(observations, self._device).to(self._dtype)
            head, values = forward(self._weights, images)
            log_std = self._weights.log_std
            return Outputs(to_host(head), to_host(values), None if log_std is None else to_host(log_std))


class TrainableNatureCNN:
    """A `Trainable` (see there) on any torch device; images of one update are kept on it.

    With `channels_last` they lie as [B, H, W, C], which convolutions and their gradients are faster
    in; they are laid out once an update, and in bytes, so that a minibatch is gathered cheaply.
    """

    def __init__(self, spec: PolicySpec, flat: Array, device: str = "cpu", *, channels_last: bool = True) -> None:
        self.flat = flat
        self._precision: Precision = spec.precision
        self._channels_last = channels_last
        self._device = torch.device(device)
        torch.backends.cudnn.deterministic = True
        self._parameters = torch.tensor(flat, device=self._device)
        self._gradient = torch.zeros_like(self._parameters)
        self._parameters.grad = self._gradient
        self._leaves = list(views(spec, self._parameters).values())
        self._gradients = list(views(spec, self._gradient).values())
        for leaf in self._leaves:
            leaf.requires_grad_()
        self._weights = _weights(dict(zip(dict(spec.parameters()), self._leaves, strict=True)))
        self._optimiser = torch.optim.Adam([self._parameters], betas=(BETA_1, BETA_2), eps=EPSILON, fused=True)
        self._staged = torch.empty(0, dtype=torch.uint8)
        self._images = self._staged
        self._order = torch.empty(0, dtype=torch.int64)
        self._outputs: list[torch.Tensor] = []

    def load(self) -> None:
        self._parameters.copy_(torch.from_numpy(self.flat))

    def publish(self) -> None:
        self.flat[:] = to_host(self._parameters)

    def observe(self, observations: Sequence[Array]) -> None:
        steps, columns = len(observations[0]), sum(part.shape[1] for part in observations)
        images = self._stage(steps, columns, observations[0].shape[2:])
        start = 0
        for part in observations:
            stop = start + part.shape[1]
            # Channel by channel: bytes that lie apart are copied three times as fast as with their neighbours.
            for channel in range(part.shape[2]):
                images[:, start:stop, channel] = to_device(part[:, :, channel], torch.device("cpu"))
            start = stop
        self._images = self._staged.to(self._device, non_blocking=True).flatten(0, 1)

    def _stage(self, steps: int, columns: int, image: tuple[int, ...]) -> torch.Tensor:
        """Memory of the host for the images of an update, seen as [T, columns, C, H, W].

        It is kept: fresh memory costs a page fault every 4 KiB. Where a GPU reads it, it is pinned.
        """
        channels, height, width = image
        lying = (height, width, channels) if self._channels_last else image
        shape = (steps, columns, *lying)
        if self._staged.shape != shape:
            self._staged = torch.empty(shape, dtype=torch.uint8, pin_memory=self._device.type == "cuda")
        return self._staged.permute(0, 1, 4, 2, 3) if self._channels_last else self._staged

    def shuffle(self, order: Array) -> None:
        """Only the order is kept: images are gathered a minibatch at a time."""
        self._order = torch.from_numpy(order).to(self._device)

    def outputs(self, start: int, stop: int) -> Outputs:
        gathered = self._images.index_select(0, self._order[start:stop]).to(_DTYPES[self._precision])
        images = gathered.permute(0, 3, 1, 2) if self._channels_last else gathered
        layout = torch.channels_last if self._channels_last else torch.contiguous_format
        head, values = forward(computing(self._weights, self._precision, layout), images)
        self._outputs = [head, values]
        if self._weights.log_std is None:
            return Outputs(to_host(head), to_host(values), None)
        self._outputs.append(self._weights.log_std)
        return Outputs(to_host(head), to_host(values), to_host(self._weights.log_std))

    def gradient(self, start: int, stop: int, by_outputs: Outputs) -> torch.Tensor:
        by = [torch.from_numpy(part).to(self._device) for part in by_outputs if part is not None]
        # Copied out of what backward made: accumulating would read and write two vectors of weights more.
        found = torch.autograd.grad(self._outputs, self._leaves, by)
        for gradient, part in zip(self._gradients, found, strict=True):
            gradient.copy_(part)
        self._outputs = []
        return self._gradient

    def descend(self, gradient: torch.Tensor, *, learning_rate: float, max_gradient_norm: float) -> float:
        if gradient is not self._gradient:
            self._gradient.copy_(gradient)
        norm = torch.nn.utils.clip_grad_norm_([self._parameters], max_gradient_norm)
        self._optimiser.param_groups[0]["lr"] = learning_rate
        self._optimiser.step()
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
