"""How long `import rlreactor` takes in a fresh interpreter, beside a bare `import numpy`, and what it loads."""

from __future__ import annotations

import argparse
import sys

from rich.table import Table

from bench.measure import Contestant, Figures, interleave, ratios, spread
from bench.program import start, wait
from bench.report import Report, Target, progress

_PROGRAM = """
import json, sys, time
begun, used = time.perf_counter(), time.process_time()
import {module}
seconds, cpu = time.perf_counter() - begun, time.process_time() - used
print(json.dumps({{"seconds": seconds, "cpu": cpu, "modules": len(sys.modules), "torch": "torch" in sys.modules}}))
"""
OURS, NUMPY = "import rlreactor", "import numpy"


def importing(module: str) -> Figures:
    """Of a fresh interpreter; how long the interpreter itself takes to start is left out."""
    report = wait(start([sys.executable, "-c", _PROGRAM.format(module=module)]))
    return {name: float(report[name]) for name in ("seconds", "cpu", "modules", "torch")}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    contestants = [
        Contestant(NUMPY, lambda: importing("numpy")),
        Contestant(OURS, lambda: importing("rlreactor")),
    ]
    rounds = interleave(contestants, options.rounds, progress)
    table = Table("import", "seconds", "of the processor", "modules")
    for name in (NUMPY, OURS):
        times = (spread(rounds.of(name, figure)).show(3) for figure in ("seconds", "cpu"))
        table.add_row(name, *times, f"{rounds.of(name, 'modules')[0]:g}")
    by_numpy = ratios(rounds.of(OURS, "seconds"), rounds.of(NUMPY, "seconds"))
    table.add_row("ratio", spread(by_numpy).show(2), "", "")
    targets = [
        Target(f"{OURS}, s (median)", 0.150, spread(rounds.of(OURS, "seconds")).median, at_least=False),
        Target(f"{OURS} loads torch", 0, max(rounds.of(OURS, "torch")), at_least=False),
    ]
    return Report("import_time", {"rounds": options.rounds}, rounds.as_json(), targets).finish(table)


if __name__ == "__main__":
    sys.exit(main())
