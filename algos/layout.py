"""Which parameters a network has, in which order, and their first values; without torch.

A worker that only carries weights from one place to another needs their number before any network
exists, so names, shapes and initial values live here and the networks follow them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .arrays import Array, Shape

HIDDEN_GAIN = math.sqrt(2.0)
ACTOR_GAIN = 0.01
CRITIC_GAIN = 1.0

NATURE_CONVOLUTIONS = ((32, 8, 4), (64, 4, 2), (64, 3, 1))
"""Channels, kernel and stride of Mnih et al. 2015, "Methods", model architecture."""
NATURE_FEATURES = 512


class Parameter(NamedTuple):
    """One named array of the flat vector; `gain` 0 starts it as zeros.

    `outputs_first` tells torch's [out, in, ...] from the [in, out] of the MLP; a leading axis of 2
    in the MLP stacks actor and critic, which are initialised apart.
    """

    name: str
    shape: Shape
    gain: float = 0.0
    outputs_first: bool = False


def mlp(inputs: int, hidden: tuple[int, ...], outputs: int) -> tuple[Parameter, ...]:
    """Actor and critic of equal hidden sizes, stacked along a leading axis of 2 (0 the actor)."""
    layers: list[Parameter] = []
    for index, (fan_in, fan_out) in enumerate(zip((inputs, *hidden), hidden, strict=False)):
        layers.append(Parameter(f"hidden.{index}.weight", (2, fan_in, fan_out), HIDDEN_GAIN))
        layers.append(Parameter(f"hidden.{index}.bias", (2, fan_out)))
    return (
        *layers,
        Parameter("actor.weight", (hidden[-1], outputs), ACTOR_GAIN),
        Parameter("actor.bias", (outputs,)),
        Parameter("critic.weight", (hidden[-1], 1), CRITIC_GAIN),
        Parameter("critic.bias", (1,)),
    )


def nature_cnn(image: Shape, outputs: int) -> tuple[Parameter, ...]:
    """One trunk for actor and critic; `image` is [channels, height, width]."""
    channels, height, width = image
    layers: list[Parameter] = []
    for index, (filters, kernel, stride) in enumerate(NATURE_CONVOLUTIONS):
        shape = (filters, channels, kernel, kernel)
        layers.append(Parameter(f"convolution.{index}.weight", shape, HIDDEN_GAIN, True))
        layers.append(Parameter(f"convolution.{index}.bias", (filters,)))
        height, width = (height - kernel) // stride + 1, (width - kernel) // stride + 1
        channels = filters
    inputs = channels * height * width
    return (
        *layers,
        Parameter("features.weight", (NATURE_FEATURES, inputs), HIDDEN_GAIN, True),
        Parameter("features.bias", (NATURE_FEATURES,)),
        Parameter("actor.weight", (outputs, NATURE_FEATURES), ACTOR_GAIN, True),
        Parameter("actor.bias", (outputs,)),
        Parameter("critic.weight", (1, NATURE_FEATURES), CRITIC_GAIN, True),
        Parameter("critic.bias", (1,)),
    )


def initial_value(parameter: Parameter, rng: np.random.Generator) -> Array:
    """Zeros, or orthogonal rows (columns) times `gain`; float32 of the parameter's shape."""
    if parameter.gain == 0.0:
        return np.zeros(parameter.shape, np.float32)
    if parameter.outputs_first:
        rows = parameter.shape[0]
        matrix = orthogonal(rng, rows, math.prod(parameter.shape[1:]))
        return (parameter.gain * matrix).astype(np.float32).reshape(parameter.shape)
    *stack, rows, columns = parameter.shape
    matrices = [orthogonal(rng, rows, columns) for _ in range(math.prod(stack))]
    return (parameter.gain * np.stack(matrices)).astype(np.float32).reshape(parameter.shape)


def orthogonal(rng: np.random.Generator, rows: int, columns: int) -> Array:
    """Random [rows, columns] whose shorter side is orthonormal (Saxe et al. 2014, section 3)."""
    tall = rng.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    q *= np.sign(np.diagonal(r))
    return q if rows >= columns else q.T
