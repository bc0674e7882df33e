"""More workers are never slower: ticks/s of several topologies with 1, 2, 4 and 8 workers, and with the default."""

from __future__ import annotations

import argparse
import json
import os
import sys

from rich.table import Table

from bench.loads import LOADS
from bench.measure import Contestant, Figures, interleave, ratios, spread
from bench.program import python_module
from bench.report import Report, Target, progress
from rlreactor import TICK, run

_COUNTS = (1, 2, 4, 8)
_TICKS = {"ppo": 60, "ppo, lag 1": 60, "lock-step": 8000, "pipeline": 2000, "broadcast": 800, "solvers": 800,
          "tiny": 80_000}  # fmt: skip
"""A second or two in one worker."""


def trial(name: str, workers: int) -> Figures:
    """Ticks per second of one run; 0 workers: as many as the planner thinks best, without any profile."""
    result = run(LOADS[name](), workers=workers or None, timeout=_TICKS[name] * TICK)
    steady = [worker["steady"] for worker in result.workers]
    most = max(own["tags"] for own in steady)
    rates = [own["tags"] / own["seconds"] for own in steady if own["tags"] > most / 2]  # who reacts at every tick
    return {"ticks_per_second": min(rates), "used": len(steady), "busy": sum(own["utilisation"] for own in steady)}


def contestant(name: str, workers: int) -> Contestant:
    """A trial in a process of its own."""
    return Contestant(_title(name, workers), python_module("bench.scaling", "--trial", name, "--workers", str(workers)))


def _title(name: str, workers: int) -> str:
    return f"{name}, {workers or 'default'}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--loads", nargs="*", default=list(_TICKS), choices=list(_TICKS))
    parser.add_argument("--trial", help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.trial:
        print(json.dumps(dict(trial(options.trial, options.workers))))
        return 0
    cores = len(os.sched_getaffinity(0))
    trials = [contestant(name, count) for name in options.loads for count in (*_COUNTS, 0)]
    rounds = interleave(trials, options.rounds, progress)
    table = Table("topology", "workers", "used", "ticks/s", "by one worker", "cores busy")
    targets: list[Target] = []
    for name in options.loads:
        one = rounds.of(_title(name, 1), "ticks_per_second")
        for count in (*_COUNTS, 0):
            title = _title(name, count)
            own = rounds.of(title, "ticks_per_second")
            if not (own and one):
                continue
            by_one = spread(ratios(own, one))
            used, busy = (spread(rounds.of(title, figure)).median for figure in ("used", "busy"))
            table.add_row(name, str(count or "default"), f"{used:g}", spread(own).show(), by_one.show(2), f"{busy:.2f}")
            if count != 1 and count in (0, cores, 4 * cores):
                least = 0.90 if count > cores else 0.95
                targets.append(Target(f"{title} workers, by one worker", least, by_one.median))
    for name, reason in rounds.missing.items():
        table.add_row(name, f"missing: {reason}")
    return Report("scaling", {"rounds": options.rounds}, rounds.as_json(), targets).finish(table)


if __name__ == "__main__":
    sys.exit(main())
