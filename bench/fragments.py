"""Fragments of 128 steps of CartPole with batched policy inference, against the same loop written by hand."""

from __future__ import annotations

import argparse
import sys

from bench.measure import interleave
from bench.rates import CORES, as_json, at_least, compared, here, limit, table
from bench.report import Report, progress

OURS, HAND = "rlreactor", "written by hand"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--environments", type=int, default=16, help="of each core")
    parser.add_argument("--fragments", type=int, default=60, help="of each core and slice")
    parser.add_argument("--part", type=float, default=1.0, help="of a second, in which bare steps are counted")
    chosen = parser.parse_args()
    size = ("--environments", chosen.environments, "--fragments", chosen.fragments)
    contestants = [
        limit("CartPole-v1", chosen.part),
        here(OURS, "rlreactor_fragments", "--workers", CORES, *size),
        here(HAND, "hand_written_fragments", *size),
    ]
    rounds = interleave(contestants, chosen.rounds, progress)
    ratio = compared(rounds, OURS).get(HAND, [])
    targets = at_least(f"ratio to what is {HAND} (median)", 0.95, ratio)
    shown = table(f"CartPole-v1, {CORES} x {chosen.environments} environments, T = 128, mlp 64-64", rounds, OURS)
    settings = {"rounds": chosen.rounds, "environments": chosen.environments, "fragments": chosen.fragments}
    return Report("fragments", settings, as_json(rounds, OURS), targets).finish(shown)


if __name__ == "__main__":
    sys.exit(main())
