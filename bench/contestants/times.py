"""What is made of times that a contestant took."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["per_second", "percentiles"]


def percentiles(taken_ns: Sequence[int]) -> dict[str, float]:
    """Median and 99th percentile in microseconds, of times in nanoseconds; the first tenth is warm-up."""
    p50, p99 = np.percentile(taken_ns[len(taken_ns) // 10 :], (50, 99)) * 1e-3
    return {"p50_us": float(p50), "p99_us": float(p99)}


def per_second(ends: Sequence[float], rounds: int) -> float:
    """Rate of the last `rounds` of what ended at these times, in seconds."""
    return rounds / (ends[-1] - ends[-1 - rounds])
