"""The hyper-parameters of PPO. The command line's help is made from the descriptions."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from .policy_spec import Activation, PositiveInt
from .precision import Precision


class PPOConfig(BaseModel):
    """What a user may set; defaults are those of Schulman et al. 2017 and common practice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    learning_rate: float = Field(default=3e-4, gt=0, description="Step size of Adam, in units of the weights.")
    anneal_learning_rate: bool = Field(
        default=False, description="Whether the step size falls linearly to 0 over all updates."
    )
    horizon: int = Field(
        default=128,
        gt=0,
        description="Environment steps per environment and update, T in the paper.",
    )
    epochs: int = Field(default=10, gt=0, description="Passes over the data of an update, K in the paper.")
    minibatch: int = Field(
        default=64,
        gt=0,
        description="Rows (environment steps) per step of the optimiser, M in the paper.",
    )
    discount: float = Field(
        default=0.99,
        ge=0,
        le=1,
        description="Weight of the next step's reward, gamma, without unit.",
    )
    gae_lambda: float = Field(
        default=0.95,
        ge=0,
        le=1,
        description="Decay per step of the advantage estimator: 0 trusts the critic alone, "
        "1 the sampled rewards alone, without unit.",
    )
    clip: float = Field(
        default=0.2,
        gt=0,
        description="How far the probability ratio may leave 1 before its gradient is cut, epsilon, without unit.",
    )
    clip_value: Annotated[float, Field(gt=0)] | None = Field(
        default=None,
        description="How far a value may move in one update before its gradient is cut, in units "
        "of the (normalised) return; none: no limit.",
    )
    entropy_coefficient: float = Field(
        default=0.0,
        ge=0,
        description="Weight of the entropy bonus, c2 in the paper, in reward per nat.",
    )
    value_coefficient: float = Field(
        default=0.5,
        ge=0,
        description="Weight of the squared error of the critic, c1, without unit.",
    )
    max_gradient_norm: float = Field(
        default=0.5,
        gt=0,
        description="Longer gradients are scaled to this Euclidean norm, without unit.",
    )
    normalise_advantages: bool = Field(
        default=True, description="Whether each minibatch's advantages get mean 0 and deviation 1."
    )
    normalise_observations: bool = Field(
        default=False,
        description="Whether observations are shifted and scaled by running statistics.",
    )
    normalise_rewards: bool = Field(
        default=False,
        description="Whether rewards are divided by the running deviation of discounted returns.",
    )
    target_kl: Annotated[float, Field(gt=0)] | None = Field(
        default=None,
        description="An update ends with the epoch in which policies have drifted further apart "
        "than this, in nats; none: all epochs.",
    )
    hidden: tuple[PositiveInt, ...] = Field(
        default=(64, 64),
        min_length=1,
        description="Units of each hidden layer of actor and of critic.",
    )
    activation: Activation = Field(default="tanh", description="What follows each hidden layer.")
    precision: Precision = Field(
        default="float32",
        description="What a convolutional network multiplies; weights, heads, loss and Adam are float32 in any case.",
    )
    channels_last: bool = Field(
        default=True,
        description="Whether a pixel's channels lie side by side in memory while a convolutional network learns.",
    )
