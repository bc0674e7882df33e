"""What both sides of weight staleness have in common: options, how a reader looks at weights, and what is reported."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["figures", "look", "parsed"]


def parsed(description: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--bytes", type=int, default=10_000_000, help="of all weights")
    parser.add_argument("--pushes", type=int, default=200)
    parser.add_argument("--lag", type=int, default=0, help="updates that readers run ahead")
    return parser.parse_args()


def look(weights: Any) -> None:
    """Both ends are of the same update: nothing is torn."""
    assert weights[0] == weights[-1]


def figures(pushes_per_second: float, lags: Sequence[int]) -> dict[str, float]:
    """Pushes a second, and how many updates old the weights of a batch were when it was learnt from."""
    return {
        "pushes_per_second": pushes_per_second,
        "batches": len(lags),
        "least_lag": min(lags),
        "median_lag": float(np.median(lags)),
        "largest_lag": max(lags),
    }
