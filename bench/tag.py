"""Microseconds of one tag with two reactions and one port, in one process, against xronos and a bare Python loop."""

from __future__ import annotations

import sys

from bench.comparison import Column, at_most, costs, elsewhere, here, options, share, slices, table, times_cheaper
from bench.measure import interleave
from bench.report import Report, Target, progress

OURS, PLAIN, THEIRS, BARE = "rlreactor", "rlreactor, fingerprint off", "xronos", "a bare loop"


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--tags", type=int, default=300_000, help="of each run")
    chosen = parser.parse_args()
    tags = ("--tags", chosen.tags)
    contestants = [
        *slices(here("rlreactor_tag", *tags), [OURS, PLAIN]),
        *slices(here("bare_tag", *tags), [BARE]),
    ]
    if not chosen.ours:
        contestants += slices(elsewhere("xronos", "xronos_tag", *tags), [THEIRS])
    rounds = interleave(contestants, chosen.rounds, progress)
    compared = times_cheaper(rounds, OURS, [THEIRS, BARE, PLAIN], "us")
    targets = at_most("us per tag (median)", 1.3, costs(rounds, OURS, "us"))
    if THEIRS in compared:
        targets.append(Target("share of xronos's time (median)", 0.6, 1 / compared[THEIRS]["median"], at_least=False))
    measured = {**rounds.as_json(), f"times the cost of {OURS}": compared}
    theirs, shares = {OURS: times_cheaper(rounds, OURS, [THEIRS], "us")}, share(rounds, OURS, BARE, "us")
    shown = table("one tag, two reactions, one port", rounds, [Column("us", "us per tag", 3)])
    settings = {"rounds": chosen.rounds, "tags": chosen.tags}
    return Report("tag", settings, measured, targets, against=theirs, shares=shares).finish(shown)


if __name__ == "__main__":
    sys.exit(main())
