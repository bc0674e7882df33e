"""Lateness by the wall clock: a 1 kHz timer, and physical actions that meet idle workers."""

from __future__ import annotations

import sys

from bench.comparison import Column, at_most, costs, here, options, table, together
from bench.measure import interleave
from bench.report import Report, progress

TIMER, ALONE, AMONG_TWO = "1 kHz timer", "physical action, one worker", "physical action, one of two workers"
NEXT_DOOR = "physical action, through a port to the other worker"
LIMITS = {TIMER: {"p99_us": 1000.0}} | {name: {"p50_us": 150.0, "p99_us": 2000.0} for name in (ALONE, AMONG_TWO)}


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of the timer in each run")
    parser.add_argument("--events", type=int, default=1000, help="physical ones in each run")
    chosen = parser.parse_args()
    program = here("rlreactor_pacing", "--seconds", chosen.seconds, "--events", chosen.events)
    rounds = interleave(together(program, [TIMER, ALONE, AMONG_TWO, NEXT_DOOR]), chosen.rounds, progress)
    targets = [
        target
        for name, limits in LIMITS.items()
        for figure, limit in limits.items()
        for target in at_most(f"{name}: {figure[:3]}, us (median)", limit, costs(rounds, name, figure))
    ]
    settings = {"rounds": chosen.rounds, "seconds": chosen.seconds, "events": chosen.events}
    shown = table("lateness, us", rounds, [Column("p50_us", "p50"), Column("p99_us", "p99")])
    return Report("pacing", settings, rounds.as_json(), targets).finish(shown)


if __name__ == "__main__":
    sys.exit(main())
