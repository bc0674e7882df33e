"""What travels in lock-step: observations from steppers to drivers, actions back."""

from __future__ import annotations

import numpy as np

from rlreactor import Array, Struct

__all__ = ["ACTIONS", "GATHERED", "OBSERVED"]


def _observed(rows: str) -> Struct:
    return Struct(
        observations=Array("description.observation_dtype", (rows, "description.observation_shape")),
        rewards=Array(np.float32, (rows,)),
        ended=Array(np.uint8, (rows,)),
    )


OBSERVED = _observed("environments")
"""One step of a group: what its environments show now (the first observation of the next episode where one ended),
the rewards on the way, and how episodes ended, as bits of TERMINATED and TRUNCATED. In the first round after the start
rewards and ends are 0."""

GATHERED = _observed("gathered")
"""The same of several steppers, one after another."""

ACTIONS = Array("description.action_dtype", ("total", "description.action_shape"))
"""Actions for one group of every stepper. One message for all: what is broadcast is written once."""
