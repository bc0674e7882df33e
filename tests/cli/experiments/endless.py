"""A round that ends, and one that hangs in a process of its own."""

from __future__ import annotations

import sys
from itertools import count

from bench.measure import Contestant, Figures, interleave
from bench.program import start, wait
from bench.report import Report, progress

ROUNDS = count(1)


def run() -> Figures:
    if next(ROUNDS) > 1:
        wait(start([sys.executable, "-c", "import signal; signal.pause()"]))
    return {"us": 1.0}


def main() -> int:
    rounds = interleave([Contestant("quick at first", run)], 5, progress)
    return Report("endless", {"rounds": 5}, rounds.as_json()).finish()


if __name__ == "__main__":
    sys.exit(main())
