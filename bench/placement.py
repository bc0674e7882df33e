"""The same bits for any placement: weights and fingerprint for several numbers of workers, with random sleeps."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from rich.table import Table

from bench.measure import Missing
from bench.program import python_module
from bench.report import Report, Target, progress
from rlreactor.runtime.preludes import JITTER

_WORKERS = (1, 2, 3, 5)
_LONGEST_SLEEP_US = 3000


def train(environment: str, steps: int, lag: int, workers: int, jitter: int) -> dict[str, Any]:
    """One training run whose workers sleep at random before reactions."""
    options = ["--env", environment, "--steps", str(steps), "--lag", str(lag), "--workers", str(workers)]
    module = "bench.contestants.rlreactor_ppo"
    return python_module(module, *options, "--eval-episodes", "10", **{JITTER: f"{jitter}:{_LONGEST_SLEEP_US}"})()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3, help="runs of each, with other sleeps")
    parser.add_argument("--steps", type=int, default=30_720)
    options = parser.parse_args()
    table = Table("environment", "lag", "workers", "used", "weights sha256", "fingerprint")
    runs: list[dict[str, Any]] = []
    different = 0
    for environment, lag in (("CartPole-v1", 0), ("CartPole-v1", 2), ("Pendulum-v1", 0)):
        found: set[tuple[str, str]] = set()
        for workers in _WORKERS:
            for jitter in range(1, options.times + 1):
                progress(f"{environment}, lag {lag}, {workers} workers, sleeps {jitter}")
                run = {"environment": environment, "lag": lag, "workers": workers, "jitter": jitter}
                try:
                    report = train(environment, options.steps, lag, workers, jitter)
                except Missing as missing:
                    progress(str(missing))
                    report = {"workers": 0, "weights_sha256": f"failed: {missing}", "fingerprint": ""}
                sha256, fingerprint = str(report["weights_sha256"]), str(report["fingerprint"])
                found.add((sha256, fingerprint))
                runs.append({**run, "used": report["workers"], "weights_sha256": sha256, "fingerprint": fingerprint})
                table.add_row(
                    environment, str(lag), str(workers), str(report["workers"]), sha256[:16], fingerprint[:16]
                )
        different += len(found) - 1
    settings = {"steps": options.steps, "times": options.times, "longest_sleep_us": _LONGEST_SLEEP_US}
    targets = [Target("outcomes that differ", 0, different, at_least=False)]
    return Report("placement", settings, {"runs": runs}, targets).finish(table)


if __name__ == "__main__":
    sys.exit(main())
