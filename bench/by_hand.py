"""The same PPO on CartPole-v1 on Ray actors and on reactors (bench/ray/): lines, speed, and the same weights."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.table import Table

from bench.comparison import Column, elsewhere, here, options, table, together
from bench.measure import interleave, ratios, summary
from bench.rates import RATE
from bench.report import Report, progress

__all__ = ["FILES", "lines"]

OURS, RAY = "rlreactor", "Ray"
FILES = {OURS: "on_reactors", RAY: "on_ray"}


def lines(module: str) -> int:
    """Of a side, without empty ones; what both share is not counted."""
    text = (Path(__file__).parent / "ray" / f"{module}.py").read_text()
    return sum(bool(line.strip()) for line in text.splitlines())


def counted() -> Table:
    """A row for each side."""
    shown = Table("PPO on CartPole-v1", "lines")
    for name, module in FILES.items():
        shown.add_row(f"{name}, bench/ray/{module}.py", str(lines(module)))
    return shown


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--updates", type=int, default=30)
    chosen = parser.parse_args()
    contestants = together(here(FILES[OURS], "--updates", chosen.updates, folder="ray"), [OURS])
    if not chosen.ours:
        contestants += together(elsewhere("ray", FILES[RAY], "--updates", chosen.updates, folder="ray"), [RAY])
    rounds = interleave(contestants, chosen.rounds, progress)
    columns = [Column(RATE, "environment steps/s", 0), Column("sum_of_weights", "|w|", 4)]
    faster = ratios(rounds.of(OURS, RATE), rounds.of(RAY, RATE))
    measured = {
        **rounds.as_json(),
        "lines": {name: lines(module) for name, module in FILES.items()},
        "ratio to Ray": summary(faster) if faster else {},
    }
    settings = {"rounds": chosen.rounds, "updates": chosen.updates}
    return Report("by_hand", settings, measured).finish(counted(), table("speed", rounds, columns))


if __name__ == "__main__":
    sys.exit(main())
