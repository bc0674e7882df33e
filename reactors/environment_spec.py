"""Environments as plain data: which one, and what it offers to a policy."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from rlreactor.algos.policy_spec import BoxAction, DiscreteAction

__all__ = ["EnvironmentDescription", "EnvironmentProblem", "EnvironmentSpec", "describe"]


class EnvironmentProblem(ValueError):
    """An environment that cannot be used; the message says what to do."""


class EnvironmentSpec(BaseModel):
    """An environment by its id."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str = Field(
        description="Gymnasium id, CartPole-v1 or ALE/Pong-v5; module:Id-v0 imports the module first; envpool:Pong-v5 "
        "is EnvPool's."
    )
    options: dict[str, Any] = Field(default_factory=dict, description="Keyword arguments for the environment.")


class EnvironmentDescription(BaseModel):
    """What a policy needs to know of an environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    observation_shape: tuple[int, ...]
    observation_dtype: str
    action: DiscreteAction | BoxAction

    @property
    def action_dtype(self) -> str:
        return "int64" if isinstance(self.action, DiscreteAction) else "float32"

    @property
    def action_shape(self) -> tuple[int, ...]:
        """Shape of one action as the environment takes it."""
        return () if isinstance(self.action, DiscreteAction) else self.action.shape


def describe(environment: EnvironmentSpec) -> EnvironmentDescription:
    """Make the environment once and look at its spaces. Raises EnvironmentProblem."""
    from rlreactor.reactors.environments import make_environments

    made = make_environments(environment, 1)
    try:
        return made.description
    finally:
        made.close()
