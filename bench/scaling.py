"""More workers are never slower: ticks/s of several topologies with 1, 2, 4 and 8 workers, and with the default."""

from __future__ import annotations

import argparse
import os
import sys

from rich.table import Table

from bench.comparison import here, slices
from bench.contestants.rlreactor_load import COUNTS, TICKS, title
from bench.measure import one_after_another, ratios, spread
from bench.report import Report, Target, progress


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--loads", nargs="*", default=list(TICKS), choices=list(TICKS))
    parser.add_argument("--part", type=float, default=1.0, help="of the usual length of a slice")
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    parts = [
        slices(here("rlreactor_load", "--load", name, "--part", options.part), [title(name, count) for count in COUNTS])
        for name in options.loads
    ]
    rounds = one_after_another(parts, options.rounds, progress)
    table = Table("topology", "workers", "used", "ticks/s", "by one worker", "cores busy")
    targets: list[Target] = []
    for name in options.loads:
        one = rounds.of(title(name, 1), "ticks_per_second")
        for count in COUNTS:
            called = title(name, count)
            own = rounds.of(called, "ticks_per_second")
            if not (own and one):
                continue
            by_one = spread(ratios(own, one))
            used, busy = (spread(rounds.of(called, figure)).median for figure in ("used", "busy"))
            table.add_row(name, str(count or "default"), f"{used:g}", spread(own).show(), by_one.show(2), f"{busy:.2f}")
            if count != 1 and count in (0, cores, 4 * cores):
                least = 0.90 if count > cores else 0.95
                targets.append(Target(f"{called} workers, by one worker", least, by_one.median))
    for name, reason in rounds.missing.items():
        table.add_row(name, f"missing: {reason}")
    return Report("scaling", {"rounds": options.rounds, "part": options.part}, rounds.as_json(), targets).finish(table)


if __name__ == "__main__":
    sys.exit(main())
