"""A 16-byte round trip between two workers, spinning and sleeping, against Ray and against the bare means."""

from __future__ import annotations

import sys

from bench.comparison import Column, at_most, costs, elsewhere, here, options, share, slices, table, times_cheaper
from bench.contestants.bare_round_trip import MEANS
from bench.contestants.rlreactor_round_trip import FORMS, PLACEMENTS
from bench.measure import interleave
from bench.report import Report, Target, progress

THEIRS = ["Ray actor call", "Ray Compiled Graph"]
OURS = [f"rlreactor, {placement}, {form}" for placement in PLACEMENTS for form in FORMS]
LIMITS = {"spinning": 4.0, "sleeping": 25.0}  # µs, p50
MEANS_OF = {"spinning": "a shared flag, spinning", "sleeping": "eventfd"}
TIMES = 15.0  # faster than Compiled Graph, where ours spins


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--trips", type=int, default=20_000, help="of each run; Ray makes a quarter as many")
    chosen = parser.parse_args()
    contestants = [
        *slices(here("rlreactor_round_trip", "--trips", chosen.trips), OURS),
        *slices(here("bare_round_trip", "--trips", chosen.trips), list(MEANS)),
    ]
    if not chosen.ours:
        contestants += slices(elsewhere("ray", "ray_round_trip", "--trips", chosen.trips // 4), THEIRS)
    rounds = interleave(contestants, chosen.rounds, progress)
    others = [*THEIRS, *MEANS]
    compared = {ours: times_cheaper(rounds, ours, others, "p50_us") for ours in OURS if rounds.of(ours, "p50_us")}
    targets = [
        target
        for placement, limit in LIMITS.items()
        for form in FORMS
        for target in at_most(
            f"us of a round trip, {placement}, {form} (median p50)",
            limit,
            costs(rounds, f"rlreactor, {placement}, {form}", "p50_us"),
        )
    ]
    targets += [
        Target(f"times faster than Compiled Graph, spinning, {form} (median)", TIMES, found["median"])
        for form in FORMS
        if (found := compared.get(f"rlreactor, spinning, {form}", {}).get(THEIRS[1]))
    ]
    between = [f"rlreactor, {placement}, {form}" for placement in MEANS_OF for form in FORMS]
    theirs = {ours: times_cheaper(rounds, ours, THEIRS, "p50_us") for ours in between}
    shares = {
        ours: found
        for placement, limit in MEANS_OF.items()
        for form in FORMS
        for ours, found in share(rounds, f"rlreactor, {placement}, {form}", limit, "p50_us").items()
    }
    measured = {**rounds.as_json(), "times the cost of": compared}
    shown = table("round trip of 16 bytes, us", rounds, [Column("p50_us", "p50"), Column("p99_us", "p99")])
    settings = {"rounds": chosen.rounds, "trips": chosen.trips}
    return Report("round_trip", settings, measured, targets, against=theirs, shares=shares).finish(shown)


if __name__ == "__main__":
    sys.exit(main())
