"""A policy described as plain data: it travels in a spec, before any network exists."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from . import layout
from .arrays import Array, Parameters, Shape, total_size
from .precision import Precision

Activation = Literal["tanh", "relu"]
NetworkName = Literal["mlp", "nature_cnn"]
PositiveInt = Annotated[int, Field(gt=0)]
_PLAIN = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class DiscreteAction(BaseModel):
    """One of `n` actions; the environment counts from `start`, the policy from 0."""

    model_config = _PLAIN
    kind: Literal["discrete"] = "discrete"
    n: PositiveInt
    start: int = 0


class BoxAction(BaseModel):
    """A vector of real numbers; `low` and `high` are the flattened bounds, infinite where none."""

    model_config = _PLAIN
    kind: Literal["box"] = "box"
    shape: tuple[PositiveInt, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @model_validator(mode="after")
    def _bounds_fit(self) -> BoxAction:
        expected = math.prod(self.shape)
        for name, bound in (("low", self.low), ("high", self.high)):
            if len(bound) != expected:
                raise ValueError(
                    f"{name}: expected {expected} numbers for shape {list(self.shape)}, received {len(bound)}"
                )
        if any(low >= high for low, high in zip(self.low, self.high, strict=True)):
            raise ValueError(f"low must lie below high, received {self.low} and {self.high}")
        return self


Action = Annotated[DiscreteAction | BoxAction, Field(discriminator="kind")]


class PolicySpec(BaseModel):
    """What a policy sees, what it does and which network joins the two."""

    model_config = _PLAIN
    observation_shape: tuple[PositiveInt, ...] = Field(
        description="Shape of one observation; an image is [channels, height, width]."
    )
    observation_dtype: str = Field(default="float32", description="Name of the numpy dtype of it.")
    action: Action = Field(description="What the policy chooses from.")
    network: NetworkName = Field(
        default="mlp", description="mlp: two perceptrons; nature_cnn: one convolutional trunk."
    )
    hidden: tuple[PositiveInt, ...] = Field(
        default=(64, 64), min_length=1, description="Units of each hidden layer of the mlp."
    )
    activation: Activation = Field(default="tanh", description="What follows each hidden layer of the mlp.")
    normalise_observations: bool = Field(
        default=False,
        description="Whether mean and variance of observations travel with the weights.",
    )
    precision: Precision = Field(
        default="float32", description="What a nature_cnn multiplies; weights are float32 in any case."
    )

    @model_validator(mode="after")
    def _consistent(self) -> PolicySpec:
        np.dtype(self.observation_dtype)
        if self.network == "nature_cnn":
            self._check_image()
        elif self.precision != "float32":
            raise ValueError(
                f"precision: network {self.network!r} computes in 'float32', received {self.precision!r}; "
                "only 'nature_cnn' has the choice"
            )
        return self

    def _check_image(self) -> None:
        if len(self.observation_shape) != 3 or min(self.observation_shape[1:]) < 36:
            raise ValueError(
                "observation_shape: network 'nature_cnn' expects [channels, height, width] of at "
                f"least 36 x 36, received {list(self.observation_shape)}"
            )
        if self.observation_dtype != "uint8":
            raise ValueError(
                f"observation_dtype: network 'nature_cnn' expects 'uint8', received {self.observation_dtype!r}"
            )
        if self.normalise_observations:
            raise ValueError(
                "normalise_observations: network 'nature_cnn' scales images by 1/255 itself; leave it false"
            )

    @property
    def observation_size(self) -> int:
        return math.prod(self.observation_shape)

    @property
    def action_size(self) -> int:
        """Number of actions (discrete) or of action components (box): columns of the head."""
        if isinstance(self.action, DiscreteAction):
            return self.action.n
        return math.prod(self.action.shape)

    @property
    def action_dtype(self) -> str:
        return "int64" if isinstance(self.action, DiscreteAction) else "float32"

    @property
    def action_shape(self) -> Shape:
        """Shape of one action in a batch: [] (discrete) or [A] (box, flattened)."""
        return () if isinstance(self.action, DiscreteAction) else (self.action_size,)

    def trained(self) -> tuple[layout.Parameter, ...]:
        """The part of the flat vector that the optimiser changes."""
        if self.network == "mlp":
            network = layout.mlp(self.observation_size, self.hidden, self.action_size)
        else:
            network = layout.nature_cnn(self.observation_shape, self.action_size)
        if isinstance(self.action, BoxAction):
            return (*network, layout.Parameter("log_std", (self.action_size,)))
        return network

    def trained_size(self) -> int:
        return sum(math.prod(parameter.shape) for parameter in self.trained())

    def parameters(self) -> Parameters:
        """Name and shape of everything in the flat vector: what is trained, then the tail."""
        trained = tuple((parameter.name, parameter.shape) for parameter in self.trained())
        if not self.normalise_observations:
            return trained
        tail = (self.observation_size,)
        return (*trained, ("observation_mean", tail), ("observation_variance", tail))

    @property
    def size(self) -> int:
        """Number of float32 in the flat vector, the tail included."""
        return total_size(self.parameters())

    def initial(self, rng: np.random.Generator) -> Array:
        """First weights, float32 [size]; the same for equal generators."""
        flat = np.zeros(self.size, np.float32)
        parts = [layout.initial_value(parameter, rng).ravel() for parameter in self.trained()]
        flat[: self.trained_size()] = np.concatenate(parts)
        if self.normalise_observations:
            flat[-self.observation_size :] = 1.0
        return flat
