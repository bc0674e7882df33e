"""Broadcast to readers on two workers, and the LF paper's broadcast and gather, where every client returns a copy.

Against Ray in three forms, and against the copies alone, made by as many processes. The fingerprint is off: it reads
every byte, which nobody else does.
"""

from __future__ import annotations

import sys
from itertools import product
from typing import Any

from bench.comparison import Column, at_most, elsewhere, here, options, share, slices, table, times_cheaper
from bench.measure import Contestant, Rounds, one_after_another, ratios, spread, summary
from bench.report import Report, Target, explained, progress

__all__ = [
    "COPIES",
    "GRAPH",
    "NAIVE",
    "OURS",
    "THEIRS",
    "TUNED",
    "against",
    "copying",
    "reasons",
    "setting",
    "times_copies",
    "times_faster",
]

OURS, COPIES = "rlreactor", "the copies alone"
NAIVE, TUNED, GRAPH = "Ray, naive", "Ray, tuned", "Ray Compiled Graph"
THEIRS = [NAIVE, TUNED, GRAPH]
READERS = (2, 4, 8, 16)
TIMES_TWO_READERS = 1.3  # what sixteen may cost
TIMES_COPIES = 1.4
TIMES_FASTER = {16: {NAIVE: 5.0, TUNED: 3.0}, 4: {GRAPH: 1.5}}  # by clients


def setting(clients: int, nbytes: int, sleep: float = 0.0) -> str:
    """What stands before the names of those that are measured with so many clients and bytes, and so much sleep."""
    asleep = f", {sleep:g} s asleep" if sleep else ""
    return f"{clients} clients, {nbytes:,} B{asleep}: "


def copying(clients: int, nbytes: int, times: int, *, sleep: float = 0.0, opponents: bool = True) -> list[Contestant]:
    """Everybody who plays broadcast and gather."""
    arguments = ("--clients", clients, "--bytes", nbytes)
    prefix = setting(clients, nbytes, sleep)
    ours = ("--copy", "--sleep", sleep, "--times", times)
    found = slices(here("rlreactor_broadcast", *arguments, *ours), [OURS], prefix)
    found += slices(here("bare_broadcast", *arguments, "--times", times), [COPIES], prefix)
    if opponents:
        theirs = ("--sleep", sleep, "--times", max(5, times // 5))
        found += slices(elsewhere("ray", "ray_broadcast", *arguments, *theirs), THEIRS, prefix)
    return found


def against(rounds: Rounds, prefix: str) -> dict[str, dict[str, Any]]:
    """How many times cheaper we are than each of theirs, in one setting."""
    return {prefix + OURS: times_cheaper(rounds, prefix + OURS, [prefix + name for name in THEIRS], "ms")}


def times_copies(rounds: Rounds, prefix: str) -> list[Target]:
    """What ours may cost in one setting, by what the copies alone take."""
    found = ratios(rounds.of(prefix + OURS, "ms"), rounds.of(prefix + COPIES, "ms"))
    return at_most(f"{prefix}times {COPIES} (median)", TIMES_COPIES, spread(found).median if found else None)


def times_faster(rounds: Rounds, clients: int, nbytes: int) -> list[Target]:
    """What must hold against Ray in one setting, as far as it was measured."""
    prefix = setting(clients, nbytes)
    found = times_cheaper(rounds, prefix + OURS, [prefix + name for name in THEIRS], "ms")
    return [
        Target(f"{prefix}times faster than {name} (median)", threshold, found[prefix + name]["median"])
        for name, threshold in TIMES_FASTER.get(clients, {}).items()
        if prefix + name in found
    ]


def reasons(rounds: Rounds, clients: int, nbytes: int) -> dict[str, str]:
    """Of every opponent who is too near, how near the copies alone come to him."""
    prefix = setting(clients, nbytes)
    most = times_cheaper(rounds, prefix + COPIES, [prefix + name for name in THEIRS], "ms")
    missed = [target.what for target in times_faster(rounds, clients, nbytes) if not target.holds]
    return {
        what: f"the copies alone, without any messages, are {most[prefix + name]['median']:.3g} times as fast"
        for what in missed
        for name in THEIRS
        if prefix + name in most and name in what
    }


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--bytes", type=int, default=10 << 20)
    parser.add_argument("--times", type=int, default=50, help="broadcasts of each slice; Ray makes a fifth as many")
    parser.add_argument(
        "--sleep", type=float, nargs="+", default=[0.0], help="seconds that a client takes (the paper's form: 0.5)"
    )
    chosen = parser.parse_args()
    readers = ("--bytes", chosen.bytes, "--times", chosen.times)
    reading = [
        contestant
        for count in READERS
        for contestant in slices(here("rlreactor_broadcast", "--clients", count, *readers), [f"{count} readers"])
    ]
    played = list(product(chosen.clients, chosen.sleep))
    parts = [
        copying(clients, chosen.bytes, chosen.times, sleep=sleep, opponents=not chosen.ours)
        for clients, sleep in played
    ]
    rounds = one_after_another([reading, *parts], chosen.rounds, progress)
    few, many = (f"{count} readers" for count in (READERS[0], READERS[-1]))
    grown = ratios(rounds.of(many, "ms"), rounds.of(few, "ms"))
    targets = at_most(f"{many}, times {few} (median)", TIMES_TWO_READERS, spread(grown).median if grown else None)
    shares: dict[str, Any] = {}
    theirs: dict[str, Any] = {}
    compared: dict[str, Any] = {f"{many} / {few}": summary(grown)} if grown else {}
    for clients, sleep in played:
        prefix = setting(clients, chosen.bytes, sleep)
        others = [prefix + name for name in (COPIES, *THEIRS)]
        compared[f"times the cost of {prefix}{OURS}"] = times_cheaper(rounds, prefix + OURS, others, "ms")
        theirs |= against(rounds, prefix)
        if not sleep:  # else nobody's copies are what it takes
            shares |= share(rounds, prefix + OURS, prefix + COPIES, "ms")
            targets += times_copies(rounds, prefix) + times_faster(rounds, clients, chosen.bytes)
    settings = {"rounds": chosen.rounds, "times": chosen.times, "bytes": chosen.bytes, "sleep_s": chosen.sleep}
    shown = table(f"broadcast of {chosen.bytes:,} B, fingerprint off", rounds, [Column("ms", "ms a round", 3)])
    why = explained(*(reasons(rounds, clients, chosen.bytes) for clients in chosen.clients))
    told = {**settings, "fingerprint": False}
    measured = {**rounds.as_json(), "ratios": compared}
    report = Report("broadcast", told, measured, targets, against=theirs, shares=shares, reasons=why)
    return report.finish(shown)


if __name__ == "__main__":
    sys.exit(main())
