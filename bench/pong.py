"""PPO on Pong (ale_py, 84 x 84 x 4, Nature CNN): it runs, how fast, and whether memory stays where it is."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from bench.measure import Missing, slope
from bench.processes import Sample, sample
from bench.program import start, wait
from bench.report import Report, Target, progress

_RISE_MIB = 8.0
"""What counts as no rise over the second half of a run: about one percent of what is resident."""


def rise(samples: Sequence[Sample]) -> float:
    """MiB by which memory grew over the second half of the run, going by its typical slope."""
    half = samples[len(samples) // 2 :]
    points = [(sample.seconds, sample.mib) for sample in half]
    return slope(points) * (half[-1].seconds - half[0].seconds) if half else 0.0


def train(options: argparse.Namespace) -> tuple[dict[str, Any], list[Sample]]:
    """One training run, looked at after every update: within one, memory goes up and down by a tenth."""
    arguments = ["--env", "ALE/Pong-v5", "--steps", str(options.steps), "--workers", str(options.workers), "--say"]
    started = time.monotonic()
    process = start([sys.executable, "-m", "bench.contestants.rlreactor_ppo", *arguments])
    assert process.stdout is not None
    samples: list[Sample] = []
    last = ""
    for line in process.stdout:
        last = line
        taken = sample(process.pid, started)
        if taken is not None:
            samples.append(taken)
    report = wait(process, last)
    # With the last update comes the end, when workers go one by one.
    most = max((taken.processes for taken in samples), default=0)
    return report, [taken for taken in samples[:-1] if taken.processes == most]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40_960, help="the first half is warm-up")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    progress(f"Pong, {options.steps} steps")
    try:
        report, samples = train(options)
    except Missing as missing:
        print(f"PPO Pong did not run: {missing}", file=sys.stderr)
        return 1
    peak, grown = max(sample.mib for sample in samples), rise(samples)
    table = Table("PPO Pong, 84 x 84 x 4, Nature CNN", "")
    table.add_row("environment steps", f"{report['env_steps']:,}")
    table.add_row("steady steps/s", f"{report['steady_steps_per_second']:,.0f}")
    table.add_row("first update, s", f"{report['seconds_to_first_update']:.1f}")
    table.add_row("resident after an update, all processes, MiB at most", f"{peak:,.0f}")
    table.add_row("rise over the second half, MiB", f"{grown:+.1f}")
    measured = {
        **{name: report[name] for name in ("env_steps", "steady_steps_per_second", "seconds_to_first_update")},
        "workers": report["workers"],
        "peak_mib": peak,
        "rise_mib": grown,
        "samples": [[round(s.seconds, 1), round(s.mib, 1), s.processes] for s in samples],
    }
    targets = [Target("rise of resident memory over the second half, MiB", _RISE_MIB, grown, at_least=False)]
    return Report("pong", {"steps": options.steps, "workers": options.workers}, measured, targets).finish(table)


if __name__ == "__main__":
    sys.exit(main())
