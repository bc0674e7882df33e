"""Inference: a policy acts for the environments of many steppers at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rlreactor import Input, reaction, startup
from rlreactor.algos.policy import Policy
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.reactors.driver import Driver
from rlreactor.reactors.trajectory import WEIGHTS

__all__ = ["Inference"]


class Inference(Driver):
    """Answers with actions of a policy, for all environments in one batch [total, ...].

    Until weights arrive it acts with first weights of its own. Observations are gathered into one array, in the order
    of the steppers, so that the batch never depends on placement.
    """

    policy: PolicySpec
    device: str = "cpu"

    weights = Input(WEIGHTS, hold=True)

    @reaction(startup)
    def make(self) -> None:
        self.actor = Policy(self.policy, self.policy.initial(self.rng), self.device)
        self.batch = np.empty((self.total, *self.policy.observation_shape), self.policy.observation_dtype)

    @reaction(weights)
    def take(self) -> None:
        """Also at a tag without observations: the actor's parameters are views of the weights that are held."""
        self.actor.load(self.weights.value.flat)

    @reaction(Driver.observed, effects=[Driver.actions])
    def act(self) -> None:
        np.concatenate([port.value.observations for port in self.observed], out=self.batch)
        actions, _, _ = self.actor.act(self.batch, self.rng)
        out = self.actions.empty()
        out[...] = self.actor.to_environment(actions)
        self.actions.set(out)
        self.rounds += 1

    def to_snapshot(self) -> Mapping[str, Any]:
        return {"weights": self.actor.flat}

    def from_snapshot(self, saved: Mapping[str, Any]) -> None:
        self.actor.load(np.array(saved["weights"]))
