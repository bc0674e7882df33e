"""What every network hands to the loss, and in the same shapes the gradient it receives back."""

from __future__ import annotations

from typing import NamedTuple

from .arrays import Array


class Outputs(NamedTuple):
    """Outputs of a network for B rows, or the gradient of a loss with respect to them.

    head: logits (discrete) or means (box), float32 [B, A]
    values: state values V(s), float32 [B]
    log_std: log standard deviations, free parameters, float32 [A]; None when discrete
    """

    head: Array
    values: Array
    log_std: Array | None
