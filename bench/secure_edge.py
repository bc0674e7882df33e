"""Messages of 1 MB over TCP on the loopback, with and without keys, against pyzmq alone.

What ours does besides: it numbers, acknowledges and keeps what it sends until then. What arrives stays in the frame
that brought it, and is copied where that lies at an odd place. The fingerprint is off.
"""

from __future__ import annotations

import sys

from bench.comparison import Column, here, options, slices, table, times_cheaper
from bench.contestants.bare_zmq import ALONE, ALONE_WITH_KEYS
from bench.contestants.rlreactor_edge import OURS, OURS_WITH_KEYS
from bench.measure import interleave, ratios, spread
from bench.report import Report, Target, progress

SHARE = 0.85  # of the throughput of pyzmq alone


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--bytes", type=int, default=1_000_000)
    chosen = parser.parse_args()
    words = ("--messages", chosen.messages, "--bytes", chosen.bytes)
    contestants = [
        *slices(here("rlreactor_edge", *words), [OURS, OURS_WITH_KEYS]),
        *slices(here("bare_zmq", *words), [ALONE, ALONE_WITH_KEYS]),
    ]
    rounds = interleave(contestants, chosen.rounds, progress)
    found = ratios(rounds.of(ALONE, "us"), rounds.of(OURS, "us"))
    what = f"{OURS}: throughput, as a share of {ALONE} (median)"
    targets = [Target(what, SHARE, spread(found).median)] if found else []
    compared = {
        "without keys": times_cheaper(rounds, OURS, [ALONE], "us"),
        "with keys": times_cheaper(rounds, OURS_WITH_KEYS, [ALONE_WITH_KEYS, OURS], "us"),
    }
    measured = {**rounds.as_json(), "times the cost": compared}
    settings = {"rounds": chosen.rounds, "messages": chosen.messages, "bytes": chosen.bytes, "fingerprint": False}
    shown = table(f"{chosen.bytes:,} B over TCP on the loopback", rounds, [Column("us", "us a message")])
    return Report("secure_edge", settings, measured, targets).finish(shown)


if __name__ == "__main__":
    sys.exit(main())
