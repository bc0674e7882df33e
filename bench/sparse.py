"""A million tags on each of two workers with a message every 10,000, against the same program without any."""

from __future__ import annotations

import sys

from bench.comparison import Column, at_most, here, options, slices, table
from bench.measure import interleave, ratios, spread, summary
from bench.report import Report, progress

SELDOM, NEVER, APART = "a message now and then", "no message", "not connected"
TIMES = 1.5


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--tags", type=int, default=1_000_000)
    parser.add_argument("--every", type=int, default=10_000)
    chosen = parser.parse_args()
    program = here("rlreactor_sparse", "--tags", chosen.tags, "--every", chosen.every)
    rounds = interleave(slices(program, [SELDOM, NEVER, APART]), chosen.rounds, progress)
    found = ratios(rounds.of(SELDOM, "seconds"), rounds.of(NEVER, "seconds"))
    targets = at_most(f"{SELDOM}, times {NEVER} (median)", TIMES, spread(found).median if found else None)
    apart = ratios(rounds.of(SELDOM, "seconds"), rounds.of(APART, "seconds"))
    compared = {f"{SELDOM} / {other}": summary(values) for other, values in ((NEVER, found), (APART, apart)) if values}
    measured = {**rounds.as_json(), "ratios": compared}
    settings = {"rounds": chosen.rounds, "tags": chosen.tags, "every": chosen.every}
    shown = table(f"{chosen.tags:,} tags on each of two workers", rounds, [Column("seconds", "seconds")])
    return Report("sparse", settings, measured, targets).finish(shown)


if __name__ == "__main__":
    sys.exit(main())
