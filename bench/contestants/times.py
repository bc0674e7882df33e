"""Percentiles of times that a contestant took."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["percentiles"]


def percentiles(taken_ns: Sequence[int]) -> dict[str, float]:
    """Median and 99th percentile in microseconds, of times in nanoseconds; the first tenth is warm-up."""
    p50, p99 = np.percentile(taken_ns[len(taken_ns) // 10 :], (50, 99)) * 1e-3
    return {"p50_us": float(p50), "p99_us": float(p99)}
