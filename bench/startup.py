"""Seconds from a command to the first update of PPO on CartPole-v1, and how long importing and --help take."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from bench.comparison import times_cheaper
from bench.measure import Contestant, Figures, Missing, interleave, spread
from bench.opponents import sb3_ppo
from bench.program import python_module, start, wait
from bench.report import Report, Target, progress

_STEPS = 4096  # two updates of 2,048 rows: the beginning of the second one shows the end of the first
COMMAND, API, IMPORT, HELP = "rlreactor train ppo", "the same through run()", "import rlreactor", "rlreactor --help"
_IMPORT = """
import json, sys, time
begun, used = time.perf_counter(), time.process_time()
import rlreactor
seconds, cpu = time.perf_counter() - begun, time.process_time() - used
print(json.dumps({"seconds": seconds, "cpu": cpu, "torch": "torch" in sys.modules}))
"""


def _rlreactor(*arguments: str) -> list[str | Path]:
    return [Path(sys.executable).with_name("rlreactor"), *arguments]


def by_command() -> Figures:
    """What a user types; the time to the first update is the command's own, the whole one is taken from outside."""
    options = ["--env", "CartPole-v1", "--workers", "2", "--steps", str(_STEPS), "--json"]
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        report = wait(start(_rlreactor("train", "ppo", *options), folder=Path(folder)))
        return {"seconds": float(report["seconds_to_first_update"]), "whole": time.monotonic() - begun}


def by_api() -> Figures:
    """The same training run, without what the command adds."""
    report = python_module("bench.contestants.rlreactor_ppo", "--steps", str(_STEPS), "--workers", "2")()
    return {"seconds": float(report["seconds_to_first_update"])}


def theirs(kind: str) -> Figures:
    """stable-baselines3 with 16 environments."""
    return {"seconds": float(sb3_ppo(kind, _STEPS)["seconds_to_first_update"])}


def importing() -> Figures:
    """Of a fresh interpreter; how long the interpreter itself takes to start is left out."""
    report = wait(start([sys.executable, "-c", _IMPORT]))
    return {name: float(report[name]) for name in ("seconds", "cpu", "torch")}


def seconds_of(command: Sequence[str | Path]) -> Figures:
    """From command to end."""
    begun = time.monotonic()
    process = start(command)
    _, errors = process.communicate()
    if process.returncode != 0:
        raise Missing(f"it ended with status {process.returncode}: {errors.strip().splitlines()[-1:]}")
    return {"seconds": time.monotonic() - begun}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    contestants = [
        Contestant(COMMAND, by_command),
        Contestant(API, by_api),
        Contestant("SB3 DummyVecEnv", lambda: theirs("dummy")),
        Contestant("SB3 SubprocVecEnv", lambda: theirs("subproc")),
        Contestant(IMPORT, importing),
        Contestant(HELP, lambda: seconds_of(_rlreactor("--help"))),
        Contestant("an empty python", lambda: seconds_of([sys.executable, "-c", ""])),
    ]
    rounds = interleave(contestants, options.rounds, progress)
    table = Table("start-up", "seconds")
    for name in rounds.figures:
        table.add_row(name, spread(rounds.of(name, "seconds")).show(3))
    if rounds.of(IMPORT, "cpu"):
        table.add_row(f"{IMPORT}, of the processor", spread(rounds.of(IMPORT, "cpu")).show(3))
    for name, reason in rounds.missing.items():
        table.add_row(name, f"missing: {reason}")
    targets = [
        Target(f"{name}: seconds to the first update (median)", 4.0, spread(found).median, at_least=False)
        for name in (COMMAND, API)
        if (found := rounds.of(name, "seconds"))
    ]
    imported, torch = (rounds.of(IMPORT, figure) for figure in ("seconds", "torch"))
    if imported:
        targets.append(Target("import rlreactor, s (median)", 0.150, spread(imported).median, at_least=False))
        targets.append(Target("import rlreactor loads torch", 0, max(torch), at_least=False))
    against = {COMMAND: times_cheaper(rounds, COMMAND, ["SB3 DummyVecEnv", "SB3 SubprocVecEnv"], "seconds")}
    settings = {"rounds": options.rounds, "steps": _STEPS}
    return Report("startup", settings, rounds.as_json(), targets, against=against).finish(table)


if __name__ == "__main__":
    sys.exit(main())
