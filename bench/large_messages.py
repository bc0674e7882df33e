"""Messages of 1 KB to 100 MB from one worker to another, written in place or copied in, against memcpy.

The fingerprint is off: it reads every byte of every message.
"""

from __future__ import annotations

import sys

from bench.comparison import Column, at_most, costs, here, options, share, slices, table, times_cheaper
from bench.measure import Contestant, one_after_another, ratios, spread
from bench.report import Report, progress

SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
PLACED, COPIED, MEMCPY = "written in place", "copied in", "memcpy"
IN_PLACE_US = 25.0  # from 1 MB on
TIMES_MEMCPY = 1.2
VOLUME = 4_000_000_000  # bytes at most that a run copies of each size


def row(nbytes: int, form: str) -> str:
    """What the programs call it."""
    return f"{nbytes:,} B, {form}"


def contestants(nbytes: int, most: int) -> list[Contestant]:
    """Ours in both forms and the floor, for one size; one program each, so that they take turns."""
    copies = ("--bytes", nbytes, "--copies", max(1, min(most, VOLUME // nbytes)))
    return [
        *slices(here("rlreactor_stream", *copies, "--messages", most), [row(nbytes, PLACED), row(nbytes, COPIED)]),
        *slices(here("bare_copy", *copies), [row(nbytes, MEMCPY)]),
    ]


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--messages", type=int, default=2000, help="of each size; copies of the largest are fewer")
    parser.add_argument("--bytes", type=int, nargs="+", default=list(SIZES))
    chosen = parser.parse_args()
    parts = [contestants(nbytes, chosen.messages) for nbytes in chosen.bytes]
    rounds = one_after_another(parts, chosen.rounds, progress)
    large = [nbytes for nbytes in chosen.bytes if nbytes >= 1_000_000]
    targets = [
        target
        for nbytes in large
        for target in at_most(
            f"us a message of {row(nbytes, PLACED)} (median)", IN_PLACE_US, costs(rounds, row(nbytes, PLACED), "us")
        )
    ]
    for nbytes in large:
        found = ratios(rounds.of(row(nbytes, COPIED), "us"), rounds.of(row(nbytes, MEMCPY), "us"))
        ratio = spread(found).median if found else None
        targets += at_most(f"{row(nbytes, COPIED)}, times memcpy (median)", TIMES_MEMCPY, ratio)
    compared = {
        nbytes: times_cheaper(rounds, row(nbytes, MEMCPY), [row(nbytes, COPIED), row(nbytes, PLACED)], "us")
        for nbytes in chosen.bytes
    }
    measured = {**rounds.as_json(), "times memcpy": compared}
    shares = {
        ours: found
        for nbytes in chosen.bytes
        for ours, found in share(rounds, row(nbytes, COPIED), row(nbytes, MEMCPY), "us").items()
    }
    settings = {"rounds": chosen.rounds, "messages": chosen.messages, "fingerprint": False}
    shown = table("messages between two workers, fingerprint off", rounds, [Column("us", "us a message")])
    return Report("large_messages", settings, measured, targets, shares=shares).finish(shown)


if __name__ == "__main__":
    sys.exit(main())
