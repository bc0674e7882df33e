"""Where our own time goes in the topologies of the other experiments: reactions of each kind, the engine, and waiting.

From the second tag on, mostly on two workers: what the run itself measures of every reaction (`run(measure=True)`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.table import Table

from bench.comparison import here, options, together
from bench.contestants.rlreactor_time import KINDS, LOADS, rows
from bench.measure import Contestant, Rounds, interleave, spread
from bench.report import Report, progress

__all__ = ["contestants", "of_experiment"]


def contestants(loads: Iterable[str], part: float) -> list[Contestant]:
    """Every worker of every load."""
    return [
        contestant
        for load in loads
        for contestant in together(here("rlreactor_time", "--load", load, "--part", part), rows(load))
    ]


def of_experiment(rounds: Rounds, experiment: str) -> Rounds:
    """The same, of its loads alone."""
    names = {row for name, load in LOADS.items() if load.experiment == experiment for row in rows(name)}
    return Rounds(
        {name: figures for name, figures in rounds.figures.items() if name in names},
        {name: reason for name, reason in rounds.missing.items() if name in names},
        rounds.load,
    )


def shown(rounds: Rounds) -> Table:
    """A row for every worker, in percent."""
    table = Table("percent of a worker's time", *KINDS)
    for name in rounds.figures:
        table.add_row(name, *(f"{100 * spread(rounds.of(name, kind)).median:.1f}" for kind in KINDS))
    for name, reason in rounds.missing.items():
        table.add_row(name, f"missing: {reason}")
    return table


def main() -> int:
    parser = options(__doc__, rounds=3)
    parser.add_argument("--loads", nargs="+", default=list(LOADS), choices=list(LOADS))
    parser.add_argument("--part", type=float, default=1.0, help="of the ticks that each usually runs")
    chosen = parser.parse_args()
    rounds = interleave(contestants(chosen.loads, chosen.part), chosen.rounds, progress)
    experiments = dict.fromkeys(LOADS[load].experiment for load in chosen.loads)
    measured = {experiment: of_experiment(rounds, experiment).as_json() for experiment in experiments}
    settings = {"rounds": chosen.rounds, "part": chosen.part}
    return Report("where_time_goes", settings, measured).finish(shown(rounds))


if __name__ == "__main__":
    sys.exit(main())
