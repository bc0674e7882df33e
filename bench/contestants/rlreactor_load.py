"""Ticks a second of one topology of `bench.loads`, on 1, 2, 4 and 8 workers and on as many as the planner chooses."""

from __future__ import annotations

import argparse
from functools import partial

from bench.contestants.slices import serve
from bench.loads import LOADS
from rlreactor import TICK, run

__all__ = ["COUNTS", "TICKS", "title"]

COUNTS = (1, 2, 4, 8, 0)
"""Of workers; 0 is as many as the planner thinks best, without any profile."""
TICKS = {"ppo": 60, "ppo, lag 1": 60, "lock-step": 8000, "pipeline": 2000, "broadcast": 800, "solvers": 800,
         "tiny": 80_000}  # fmt: skip
"""A second or two in one worker."""


def title(name: str, workers: int) -> str:
    """What a topology on so many workers is called."""
    return f"{name}, {workers or 'default'}"


def measure(name: str, workers: int, ticks: int) -> dict[str, float]:
    """Of one run: ticks a second, how many workers there were, and how many cores they kept busy."""
    result = run(LOADS[name](), workers=workers or None, timeout=ticks * TICK)
    steady = [worker["steady"] for worker in result.workers]
    most = max(own["tags"] for own in steady)
    rates = [own["tags"] / own["seconds"] for own in steady if own["tags"] > most / 2]  # who reacts at every tick
    return {"ticks_per_second": min(rates), "used": len(steady), "busy": sum(own["utilisation"] for own in steady)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--load", required=True, choices=list(TICKS))
    parser.add_argument("--part", type=float, default=1.0, help="of the usual ticks")
    options = parser.parse_args()
    ticks = max(20, round(TICKS[options.load] * options.part))
    serve({title(options.load, count): partial(measure, options.load, count, ticks) for count in COUNTS})


if __name__ == "__main__":
    main()
