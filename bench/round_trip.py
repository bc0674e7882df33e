"""A 16-byte round trip between two workers that spin, share cores or sleep, against Ray and against the bare means."""

from __future__ import annotations

import sys

from bench.comparison import Column, at_most, costs, elsewhere, here, options, share, slices, table, times_cheaper
from bench.contestants.bare_round_trip import MEANS
from bench.contestants.rlreactor_round_trip import ASLEEP, FORMS, PLACEMENTS
from bench.measure import interleave
from bench.report import Report, Target, progress

THEIRS = ["Ray actor call", "Ray Compiled Graph"]
LIMITS = {"spinning": 4.0, "sharing cores": 25.0, "sharing one core": 25.0}  # µs, p50
SLEEPING_US = 25.0  # p50
OURS = [*(f"rlreactor, {placement}, {form}" for placement in PLACEMENTS for form in FORMS), ASLEEP]
MEANS_OF = {
    **{f"rlreactor, spinning, {form}": "a shared flag, spinning" for form in FORMS},
    **{f"rlreactor, sharing cores, {form}": "eventfd" for form in FORMS},
    **{f"rlreactor, sharing one core, {form}": "eventfd, one core" for form in FORMS},
    ASLEEP: "eventfd, after rests",
}
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
    asleep = "us of a round trip, asleep, one tag (median p50)"
    targets += at_most(asleep, SLEEPING_US, costs(rounds, ASLEEP, "p50_us"))
    targets += [
        Target(f"times faster than Compiled Graph, spinning, {form} (median)", TIMES, found["median"])
        for form in FORMS
        if (found := compared.get(f"rlreactor, spinning, {form}", {}).get(THEIRS[1]))
    ]
    theirs = {ours: times_cheaper(rounds, ours, THEIRS, "p50_us") for ours in MEANS_OF}
    shares = {
        ours: found for name, limit in MEANS_OF.items() for ours, found in share(rounds, name, limit, "p50_us").items()
    }
    measured = {**rounds.as_json(), "times the cost of": compared}
    shown = table("round trip of 16 bytes, us", rounds, [Column("p50_us", "p50"), Column("p99_us", "p99")])
    settings = {"rounds": chosen.rounds, "trips": chosen.trips}
    return Report("round_trip", settings, measured, targets, against=theirs, shares=shares).finish(shown)


if __name__ == "__main__":
    sys.exit(main())
