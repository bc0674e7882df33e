"""Broadcast and gather, every client returning a copy, for objects of 1 KB to 100 MB; against Ray and the copies alone.

The fingerprint is off: it reads every byte, which nobody else does.
"""

from __future__ import annotations

import sys

from bench.broadcast import COPIES, OURS, THEIRS, against, copying, reasons, setting, times_faster
from bench.comparison import Column, options, share, table, times_cheaper
from bench.measure import one_after_another
from bench.report import Report, explained, progress

SETTINGS = ((16, 1_000), (16, 100_000), (16, 1_000_000), (16, 10_000_000), (4, 100_000_000))
"""Clients and bytes; fewer of the largest, whose copies would fill the memory of a small machine."""


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--times", type=int, default=20, help="broadcasts of each slice; Ray makes a fifth as many")
    parser.add_argument("--clients", type=int, default=16, help="at most")
    parser.add_argument("--smallest", type=int, default=0, help="leave out what has fewer bytes")
    parser.add_argument("--largest", type=int, default=100_000_000, help="leave out what has more bytes")
    chosen = parser.parse_args()
    sizes = [(clients, nbytes) for clients, nbytes in SETTINGS if chosen.smallest <= nbytes <= chosen.largest]
    settings = [(min(clients, chosen.clients), nbytes) for clients, nbytes in sizes]
    parts = [copying(clients, nbytes, chosen.times, opponents=not chosen.ours) for clients, nbytes in settings]
    rounds = one_after_another(parts, chosen.rounds, progress)
    compared = {
        prefix + OURS: times_cheaper(rounds, prefix + OURS, [prefix + name for name in (COPIES, *THEIRS)], "ms")
        for prefix in (setting(*one) for one in settings)
    }
    prefixes = [setting(*one) for one in settings]
    theirs = {ours: found for prefix in prefixes for ours, found in against(rounds, prefix).items()}
    shares = {
        ours: found
        for prefix in prefixes
        for ours, found in share(rounds, prefix + OURS, prefix + COPIES, "ms").items()
    }
    targets = [target for one in settings for target in times_faster(rounds, *one)]
    why = explained(*(reasons(rounds, *one) for one in settings))
    measured = {**rounds.as_json(), "times the cost of": compared}
    shown = table("broadcast and gather, fingerprint off", rounds, [Column("ms", "ms a round", 3)])
    told = {"rounds": chosen.rounds, "times": chosen.times, "fingerprint": False}
    report = Report("object_size", told, measured, targets, against=theirs, shares=shares, reasons=why)
    return report.finish(shown)


if __name__ == "__main__":
    sys.exit(main())
