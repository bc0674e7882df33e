"""B10: rings of 1 to 16 groups with synthetic step and answer times, against the prediction.

A group's round takes the step S, the answer I and the way there and back C; of k groups k are under way at once, one
stepper makes one step at a time, and drivers on p workers give p answers at once. So a tick takes

    T(k) = max(S, I / p, (S + I + C) / k).

S and I are what a wait of that length really takes, C is measured with a ring of 1 that neither steps nor answers for
any time; all of them in the same round.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from rich.table import Table

from bench.measure import Contestant, Rounds, interleave, ratios, spread, summary
from bench.rates import here
from bench.report import Report, Target, progress

RINGS = (1, 2, 4, 8, 16)
_HOP = "neither steps nor answers"


class Case(NamedTuple):
    """Times in ms, whether they are spent computing, and on how many workers a ring of k has its drivers."""

    name: str
    step: float
    answer: float
    busy: bool
    lanes: Mapping[int, int]

    def contestant(self, ring: int) -> str:
        return f"{self.name}, ring of {ring}"


ASLEEP = Case("asleep, as many answers at once as groups", 4.0, 32.0, False, {ring: ring for ring in RINGS})
BUSY = Case("busy, one answer at a time", 2.0, 2.0, True, dict.fromkeys(RINGS, 1))
CASES = (ASLEEP, BUSY)


def contestants(ticks: int) -> list[Contestant]:
    """Every ring of every case, and what their messages cost alone."""
    found: list[Contestant] = []
    for case in CASES:
        times = ("--step-ms", case.step, "--answer-ms", case.answer, *(["--busy"] if case.busy else []))
        for ring in RINGS:
            size = ("--ring", ring, "--lanes", case.lanes[ring], "--ticks", ticks)
            found.append(here(case.contestant(ring), "rlreactor_ring", *times, *size))
    nothing = ("--step-ms", 0, "--answer-ms", 0, "--ring", 1, "--ticks", 2000)
    return [here(_HOP, "rlreactor_ring", *nothing), *found]


def predicted(rounds: Rounds, case: Case, ring: int) -> list[float]:
    """T(k) in ms, round by round."""
    name = case.contestant(ring)
    known = zip(rounds.of(name, "step_ms"), rounds.of(name, "answer_ms"), rounds.of(_HOP, "tick_ms"), strict=False)
    lanes = case.lanes[ring]
    return [max(step, answer / lanes, (step + answer + hop) / ring) for step, answer, hop in known]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ticks", type=int, default=128, help="of each run")
    chosen = parser.parse_args()
    rounds = interleave(contestants(chosen.ticks), chosen.rounds, progress)
    table = Table("ring", "S, I in ms; p", "tick, ms", "predicted, ms", "measured / predicted", "times a ring of 1")
    compared: dict[str, Any] = {}
    targets: list[Target] = []
    for case in CASES:
        alone = rounds.of(case.contestant(1), "tick_ms")
        for ring in RINGS:
            name = case.contestant(ring)
            taken, expected = rounds.of(name, "tick_ms"), predicted(rounds, case, ring)
            if not taken:
                continue
            off, gain = ratios(taken, expected), ratios(alone, taken)
            compared[name] = {"predicted": summary(expected), "off": summary(off), "gain": summary(gain)}
            shown = (spread(values).show(digits) for values, digits in ((taken, 3), (expected, 3), (off, 3), (gain, 2)))
            table.add_row(name, f"{case.step:g}, {case.answer:g}; {case.lanes[ring]}", *shown)
            distance = abs(statistics.median(off) - 1)
            targets.append(Target(f"{name}: distance from the prediction", 0.10, distance, at_least=False))
    gain = ratios(rounds.of(BUSY.contestant(1), "tick_ms"), rounds.of(BUSY.contestant(2), "tick_ms"))
    if gain:
        targets.append(Target("two groups by one, S = I (median)", 1.6, statistics.median(gain)))
    for name, reason in rounds.missing.items():
        table.add_row(name, f"missing: {reason}")
    settings = {"rounds": chosen.rounds, "ticks": chosen.ticks, "T(k)": "max(S, I / p, (S + I + C) / k)"}
    measured = {**rounds.as_json(), "compared": compared}
    return Report("ring_curve", settings, measured, targets).finish(table)


if __name__ == "__main__":
    sys.exit(main())
