"""Gathers: the observations of several steppers as one message."""

from __future__ import annotations

import numpy as np

from rlreactor import Inputs, Output, Reactor, reaction
from rlreactor.reactors.environment_spec import EnvironmentDescription
from rlreactor.reactors.round import GATHERED, OBSERVED

__all__ = ["Gather"]


class Gather(Reactor):
    """Puts one after another what `steppers` steppers of `environments` environments show; `gathered` is the product.

    What is sent at one tag shares a notice, so this saves the reader some work for every value and nothing else, at the
    price of a copy: it is for many small observations. Large ones had better not be copied.
    """

    description: EnvironmentDescription
    steppers: int
    environments: int
    gathered: int

    observed = Inputs(OBSERVED, width="steppers")
    together = Output(GATHERED)

    @reaction(observed, effects=[together])
    def gather(self) -> None:
        values = [port.value for port in self.observed]
        out = self.together.empty()
        np.concatenate([value.observations for value in values], out=out.observations)
        np.concatenate([value.rewards for value in values], out=out.rewards)
        np.concatenate([value.ended for value in values], out=out.ended)
        self.together.set(out)
