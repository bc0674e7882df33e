"""Resident memory of all workers over ten million messages: in one process, and between two.

A run says from time to time how many messages have arrived, and is looked at then. What counts is the typical slope
over the second half of these looks, times all messages: growth that would go on.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from rich.table import Table

from bench.measure import Missing, slope
from bench.processes import sample
from bench.program import start, wait
from bench.report import Report, Target, progress

LIMIT_MIB = 1.0
FORMS = {"in one process": 1, "between two workers": 2}


class Look(NamedTuple):
    """The memory of a run at one moment."""

    messages: int
    mib: float
    processes: int


def growth(looks: Sequence[Look], messages: int) -> float:
    """MiB by which `messages` messages make the run grow, going by the typical slope of the second half."""
    return slope([(look.messages, look.mib) for look in looks[len(looks) // 2 :]]) * messages


def watch(messages: int, workers: int) -> tuple[dict[str, Any], list[Look]]:
    """One run, and what it was seen to hold. Raises Missing."""
    arguments = ["--messages", str(messages), "--workers", str(workers)]
    started = time.monotonic()
    process = start([sys.executable, "-m", "bench.contestants.rlreactor_flow", *arguments])
    assert process.stdout is not None
    looks: list[Look] = []
    last = ""
    for last in process.stdout:
        taken = sample(process.pid, started)
        if taken is not None:
            looks.append(Look(json.loads(last)["messages"], taken.mib, taken.processes))
    report = wait(process, last)
    most = max((look.processes for look in looks), default=0)  # at the end the workers go one by one
    return report, [look for look in looks if look.processes == most and look.messages < report["messages"]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000_000, help="of each run")
    options = parser.parse_args()
    table = Table(
        f"resident memory over {options.messages:,} messages", "us a message", "MiB at first", "at last", "growth, MiB"
    )
    targets: list[Target] = []
    measured: dict[str, Any] = {}
    for form, workers in FORMS.items():
        progress(form)
        try:
            report, looks = watch(options.messages, workers)
        except Missing as missing:
            print(f"{form}: {missing}", file=sys.stderr)
            return 1
        grown = growth(looks, options.messages)
        ends = [f"{looks[index].mib:,.2f}" for index in (0, -1)] if looks else ["", ""]
        table.add_row(form, f"{report['us']:,.2f}", *ends, f"{grown:+.3f}")
        targets.append(Target(f"growth {form}, MiB", LIMIT_MIB, grown, at_least=False))
        measured[form] = {**report, "growth_mib": grown, "looks": [look._asdict() for look in looks]}
    return Report("memory_slope", {"messages": options.messages}, measured, targets).finish(table)


if __name__ == "__main__":
    sys.exit(main())
