"""Drivers: wait for a group of every stepper, and answer with actions for all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlreactor import Inputs, Output, Reactor, reaction, state
from rlreactor.algos.policy_spec import BoxAction, DiscreteAction
from rlreactor.reactors.environment_spec import EnvironmentDescription
from rlreactor.reactors.round import ACTIONS, OBSERVED

__all__ = ["Driver", "RandomDriver"]

_DRAWN_AT_ONCE = 256
_UNBOUNDED = 1.0  # standard deviation of actions that have no bounds


class Driver(Reactor):
    """What every driver has: a full barrier. Its reaction runs when all have shown their observations.

    `total` environments in all, in equal parts from `sources` steppers or gathers.
    """

    description: EnvironmentDescription
    sources: int
    environments: int
    total: int

    observed = Inputs(OBSERVED, width="sources")
    actions = Output(ACTIONS)
    rounds: int = state(0)


class RandomDriver(Driver):
    """Answers with actions drawn uniformly, of a Box without bounds normally."""

    drawn: NDArray[Any] = state()

    @reaction(Driver.observed, effects=[Driver.actions])
    def act(self) -> None:
        left = self.rounds % _DRAWN_AT_ONCE
        if not left:  # drawing a round's worth at a time costs more than a step of CartPole
            self.drawn = self._draw()
        self.actions.set(self.drawn[left])
        self.rounds += 1

    def _draw(self) -> NDArray[Any]:
        action = self.description.action
        size = (_DRAWN_AT_ONCE, self.total, *self.description.action_shape)
        if isinstance(action, DiscreteAction):
            return self.rng.integers(action.start, action.start + action.n, size=size)
        return self._draw_box(action, size).astype(np.float32)

    def _draw_box(self, action: BoxAction, size: tuple[int, ...]) -> NDArray[np.float64]:
        low, high = (np.reshape(bound, action.shape) for bound in (action.low, action.high))
        bounded = np.isfinite(low) & np.isfinite(high)
        uniform = self.rng.uniform(np.where(bounded, low, 0.0), np.where(bounded, high, 1.0), size)
        normal = np.clip(self.rng.normal(0.0, _UNBOUNDED, size), low, high)
        return np.where(bounded, uniform, normal)
