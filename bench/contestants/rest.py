"""What makes the other side of a round trip sleep before the ball comes back to it."""

from __future__ import annotations

import time

__all__ = ["REST_NS", "rest"]

REST_NS = 1_000_000


def rest() -> None:
    """Keep the ball for so long, and the core awake: one of the two has to be woken, and not both."""
    until = time.perf_counter_ns() + REST_NS
    while time.perf_counter_ns() < until:
        pass
