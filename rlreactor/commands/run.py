"""`rlreactor run`."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from rlreactor.commands.failure import Interruption, UsageError
from rlreactor.commands.options import Shown
from rlreactor.commands.output import Output
from rlreactor.commands.plan_file import read_plan
from rlreactor.commands.reference import TopologyOptions, is_spec
from rlreactor.graph import check
from rlreactor.planner.links import CARRIER_HELP, LinkCarrier
from rlreactor.planner.placement import plan as make_plan
from rlreactor.planner.plan import Plan
from rlreactor.reactor import Reactor
from rlreactor.runtime.result import Interrupt, Result
from rlreactor.runtime.run import run
from rlreactor.store.snapshot import finished_cuts

__all__ = ["RunOptions", "duration", "run_command"]

_UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "sec": 10**9}


class RunOptions(TopologyOptions):
    """Run a topology on this machine until it stops, and print the last value of every metric."""

    workers: Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="Processes; the planner's choice when not given."
    )
    plan: Path | None = Field(default=None, description="Placement from a file that `rlreactor plan --output` wrote.")
    carrier: LinkCarrier | None = Field(default=None, description=f"{CARRIER_HELP[:-1]}; memory when not given.")
    timeout: Annotated[str | None, Field()] = Field(
        default=None, description="Logical time after which the program stops: a number with ns, us, ms or s."
    )
    seed: Annotated[int, Field(ge=0)] = Field(default=0, description="Of every reactor's random numbers.")
    snapshot: Path | None = Field(
        default=None, description="Folder for snapshots of the whole program, of which the newest three are kept."
    )
    snapshot_every: str | None = Field(
        default=None,
        description="Logical time between two snapshots, as for --timeout; as often as costs little when not given.",
    )
    resume: Path | None = Field(
        default=None,
        description="Folder with the snapshots of an earlier run: go on from the newest, on any placement.",
    )
    real_time: Annotated[bool, Shown(switch=True)] = Field(
        default=False, description="Let logical time follow the wall clock, instead of running as fast as possible."
    )


def run_command(options: RunOptions, output: Output) -> dict[str, Any]:
    """Raises ReactorError, or Interruption after Ctrl-C."""
    if is_spec(options.topology):
        raise UsageError(f"{options.topology} is a deployment's file: rlreactor deploy {options.topology}")
    topology = options.load()
    plan = _plan(options, topology)
    start = time.monotonic()
    try:
        result = run(
            topology,
            plan=plan,
            workers=None if options.carrier else options.workers,
            fast=not options.real_time,
            timeout=_duration("--timeout", options.timeout),
            seed=options.seed,
            snapshot=options.snapshot,
            snapshot_every=_duration("--snapshot-every", options.snapshot_every),
            resume=options.resume,
        )
    except Interrupt as interrupt:
        message = f"interrupted at {interrupt.result.tag}{_to_go_on(options)}"
        summary = _summary(interrupt.result, time.monotonic() - start)
        raise Interruption(message, interrupt.signal_number, summary) from None
    summary = _summary(result, time.monotonic() - start)
    output.say(f"{_text(summary)}\n{result.report()}")
    return summary


def _plan(options: RunOptions, topology: Reactor) -> Plan | None:
    """The plan from a file, or one with the carrier that is asked for. Raises UsageError, FileError or PlanError."""
    if options.plan is not None:
        if options.carrier is not None:
            raise UsageError("--carrier: the plan says what takes its messages; give one of --plan and --carrier")
        return read_plan(options.plan)
    if options.carrier is None:
        return None
    graph = check(topology, fast=not options.real_time)
    return make_plan(graph, workers=options.workers, carrier=options.carrier)


def _to_go_on(options: RunOptions) -> str:
    """From where, if there are snapshots."""
    for folder in (options.snapshot, options.resume):
        if folder is not None and (cuts := finished_cuts(folder)):
            return f"; the same command with --resume {folder} goes on from {cuts[-1]} ns"
    return ""


def _summary(result: Result, seconds: float) -> dict[str, Any]:
    return {
        "tag": list(result.tag),
        "fingerprint": result.fingerprint,
        "workers": len(result.plan.workers),
        "seconds": round(seconds, 3),
        "compared": [row._asdict() for row in result.compared()],
        "metrics": {name: series[-1][1] for name, series in result.metrics.items() if series},
    }


def _text(summary: dict[str, Any]) -> str:
    time_ns, microstep = summary["tag"]
    lines = [
        f"stopped at ({time_ns} ns, {microstep}) after {summary['seconds']} s on {summary['workers']} worker(s)",
        f"fingerprint {summary['fingerprint']}",
    ]
    return "\n".join(lines + [f"{name} = {value}" for name, value in summary["metrics"].items()])


def _duration(option: str, text: str | None) -> int | None:
    return None if text is None else duration(option, text)


def duration(option: str, text: str) -> int:
    """Nanoseconds: 100000000 out of "100ms". Raises UsageError."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ns|us|ms|sec|s)\s*", text)
    if found is None:
        raise UsageError(f"{option}: expected a number with a unit (ns, us, ms or s), such as 100ms; received {text!r}")
    return round(float(found[1]) * _UNITS[found[2]])
