"""What the planner predicts beside what is measured: ticks/s, memory and bytes/s of topologies of different character.

Each round profiles a topology and the machine, plans with that, and runs the plan, all in one fresh process. What was
predicted is for a machine that has nothing else to do; "kept off" is the part of the time in which others had the
processor, and where it is more than a few hundredths the measurement tells of them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from rich.table import Table

from bench.loads import LOADS
from bench.measure import Contestant, Figures, Rounds, interleave, spread
from bench.program import python_module
from bench.report import Report, Target, progress
from rlreactor import TICK, plan, run
from rlreactor.runtime.comparison import Compared
from rlreactor.runtime.profiling import profile

_FIVE = ("ppo", "ppo, lag 1", "lock-step", "pipeline", "solvers")
_KINDS = ("ticks/s", "resident", "bytes/s", "busy")
_PROMISED = ("ticks/s", "resident", "bytes/s")
_WITHIN = 0.20


def trial(name: str, workers: int, seconds: float) -> Figures:
    """Predicted and measured, summed over workers or links; the ticks are those of the busiest worker."""
    known = profile(LOADS[name](), seconds=seconds, tags=1 << 40)
    made = plan(LOADS[name](), workers=workers, profile=known)
    assert made.prediction is not None
    ticks = max(10, round(made.prediction.ticks_per_second * seconds))
    result = run(LOADS[name](), plan=made, timeout=ticks * TICK)
    rows, steady = result.compared(), [worker["steady"] for worker in result.workers]
    kept_off = sum(own["kept_off"] for own in steady) / sum(own["seconds"] for own in steady)
    return {"kept off": kept_off} | {n: value for kind in _KINDS for n, value in _sums(kind, rows).items()}


def _sums(kind: str, rows: Sequence[Compared]) -> dict[str, float]:
    own = [row for row in rows if row.quantity == kind]
    total = max if kind == "ticks/s" else sum
    predicted, measured = total([row.predicted or 0.0 for row in own]), total([row.measured for row in own])
    return {f"{kind} predicted": predicted, f"{kind} measured": measured}


def contestant(name: str, workers: int, seconds: float) -> Contestant:
    """A trial in a process of its own."""
    arguments = ["--trial", name, "--workers", str(workers), "--seconds", str(seconds)]
    return Contestant(f"{name}, {workers}", python_module("bench.predictions", *arguments))


def errors(rounds: Rounds, name: str, kind: str) -> list[float]:
    """Measured by predicted, less one, round by round; nothing where nothing was to be sent."""
    pairs = zip(rounds.of(name, f"{kind} measured"), rounds.of(name, f"{kind} predicted"), strict=True)
    return [measured / predicted - 1 for measured, predicted in pairs if predicted]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--loads", nargs="*", default=_FIVE, choices=list(LOADS))
    parser.add_argument("--trial", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.trial:
        print(json.dumps(dict(trial(options.trial, options.workers, options.seconds))))
        return 0
    trials = [contestant(name, options.workers, options.seconds) for name in options.loads]
    rounds = interleave(trials, options.rounds, progress)
    table = Table("topology, workers", "quantity", "predicted", "measured", "measured / predicted - 1")
    targets: list[Target] = []
    for name in rounds.figures:
        table.add_row(name, "kept off", "", spread(rounds.of(name, "kept off")).show(3), "")
        for kind in _KINDS:
            found = errors(rounds, name, kind)
            if not found:
                continue
            values = (spread(rounds.of(name, f"{kind} {side}")).median for side in ("predicted", "measured"))
            table.add_row(name, kind, *(f"{value:,.4g}" for value in values), spread(found).show(2))
            if kind in _PROMISED:
                targets.append(Target(f"{name}: {kind}, error", _WITHIN, abs(spread(found).median), at_least=False))
    for name, reason in rounds.missing.items():
        table.add_row(name, f"missing: {reason}")
    settings = {"rounds": options.rounds, "seconds": options.seconds, "workers": options.workers}
    return Report("predictions", settings, rounds.as_json(), targets).finish(table)


if __name__ == "__main__":
    sys.exit(main())
