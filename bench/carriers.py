"""What it costs to send over shared memory, Unix sockets and TCP: a 16-byte round trip, and messages of 1 and 10 MB."""

from __future__ import annotations

import sys
from typing import Any

from rich.table import Table

from bench.comparison import here, options, slices, times_cheaper
from bench.contestants.rlreactor_carriers import CARRIERS, ROUND_TRIP, message
from bench.measure import Rounds, interleave, spread
from bench.report import Report, progress

SIZES = (1_000_000, 10_000_000)
ROWS = [(ROUND_TRIP, "p50_us"), (ROUND_TRIP, "p99_us"), *((message(nbytes), "us") for nbytes in SIZES)]


def shown(rounds: Rounds) -> Table:
    """A row for every figure, a column for every carrier."""
    table = Table("microseconds", *CARRIERS)
    for what, figure in ROWS:
        cells = [spread(rounds.of(f"{carrier}, {what}", figure)).show(1) for carrier in CARRIERS]
        table.add_row(f"{what}, {figure.removesuffix('_us')}" if figure != "us" else what, *cells)
    return table


def compared(rounds: Rounds) -> dict[str, dict[str, Any]]:
    """How many times the cost of memory the sockets are, round by round."""
    first, *others = CARRIERS
    return {
        f"{what}, {figure}": times_cheaper(rounds, f"{first}, {what}", [f"{c}, {what}" for c in others], figure)
        for what, figure in ROWS
    }


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--trips", type=int, default=5000, help="of each run")
    parser.add_argument("--messages", type=int, default=200, help="of each size")
    chosen = parser.parse_args()
    names = [ROUND_TRIP, *map(message, SIZES)]
    contestants = [
        contestant
        for carrier in CARRIERS
        for contestant in slices(
            here(
                "rlreactor_carriers",
                *("--carrier", carrier, "--trips", chosen.trips, "--messages", chosen.messages, "--bytes", *SIZES),
            ),
            [f"{carrier}, {name}" for name in names],
        )
    ]
    rounds = interleave(contestants, chosen.rounds, progress)
    measured = {**rounds.as_json(), "times the cost of memory": compared(rounds)}
    settings = {"rounds": chosen.rounds, "trips": chosen.trips, "messages": chosen.messages, "fingerprint": False}
    return Report("carriers", settings, measured, []).finish(shown(rounds))


if __name__ == "__main__":
    sys.exit(main())
