"""`rlreactor deploy`."""

from __future__ import annotations

import contextlib
import hashlib
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from rlreactor.commands.failure import Interruption, UsageError
from rlreactor.commands.options import CommandOptions, Shown
from rlreactor.commands.output import Output
from rlreactor.commands.spec_file import compiled, read_spec
from rlreactor.deployment.caller import deploy
from rlreactor.deployment.compile import Compiled, job_of
from rlreactor.deployment.engines.choose import engine_for
from rlreactor.deployment.engines.dry_run import dry_run
from rlreactor.deployment.engines.sections import EngineName
from rlreactor.deployment.engines.slurm_queue import submit
from rlreactor.deployment.engines.slurm_slots import in_allocation, was_requeued
from rlreactor.deployment.engines.text import check_all_used
from rlreactor.deployment.spec import FRESH_KEYS, RunSpec
from rlreactor.errors import RunError
from rlreactor.links.keys import make_keys
from rlreactor.observe.files import write_atomically
from rlreactor.observe.history import cut_back
from rlreactor.observe.jsonl import JsonLines
from rlreactor.observe.latest import LatestLines
from rlreactor.runtime.metrics import Metric
from rlreactor.runtime.result import Interrupt, Result
from rlreactor.store.snapshot import LoadedSnapshot, finished_cuts, load_snapshot

__all__ = ["DeployOptions", "deploy_command"]


class DeployOptions(CommandOptions):
    """Run a topology on the hosts of a deployment. The result is the same, byte for byte, on any hosts and engine."""

    spec: Annotated[Path, Shown(metavar="SPEC", positional=True)] = Field(
        description="The deployment's file: .yaml, .toml or .json."
    )
    parameters: Annotated[tuple[str, ...], Shown(name="set", metavar="NAME=VALUE", repeated=True)] = Field(
        default=(), description="A parameter of the topology, before that of the spec; the value is JSON, or else text."
    )
    engine: EngineName | None = Field(default=None, description="What starts the slots; the spec's own when not given.")
    keys: Path | None = Field(
        default=None, description="Folder that `rlreactor keys` wrote, before what the spec says."
    )
    dry_run: Annotated[bool, Shown(switch=True)] = Field(
        default=False, description="Print what the engine would be given, and start nothing."
    )
    apply: Annotated[bool, Shown(switch=True)] = Field(
        default=False, description="Give a deployment for Kubernetes to the cluster that kubectl would talk to."
    )
    resume: Annotated[bool, Shown(switch=True)] = Field(
        default=False,
        description="Go on from the newest snapshot in the spec's run.snapshots; from the beginning if there is none.",
    )
    detach: Annotated[bool, Shown(switch=True)] = Field(
        default=False, description="Do not wait for a job in Slurm's queue; `rlreactor logs SPEC` follows it later."
    )


def deploy_command(options: DeployOptions, output: Output) -> dict[str, Any]:
    """Raises UsageError, UserCodeError, TopologyError, PlanError, LinkError, RunError, or Interruption after Ctrl-C."""
    found = compiled(read_spec(options.spec, options.parameters))
    engine = options.engine or found.deployment.engine
    if options.dry_run:
        return _described(found, engine, options, output)
    if options.apply:
        return _applied(found, engine, options, output)
    if engine == "slurm" and not in_allocation():
        return _submitted(found, options, output)
    start = time.monotonic()
    try:
        result = _deployed(found, engine, options, output)
    except Interrupt as interrupt:
        summary = _summary(interrupt.result, engine, time.monotonic() - start)
        raise Interruption(f"interrupted at {interrupt.result.tag}", interrupt.signal_number, summary) from None
    summary = _summary(result, engine, time.monotonic() - start)
    _keep(result, found.deployment.run)
    output.say(_text(summary))
    return summary


def _described(found: Compiled, engine: EngineName, options: DeployOptions, output: Output) -> dict[str, Any]:
    job = job_of(found, engine)
    text = dry_run(engine, found.deployment, job, str(options.spec))
    output.say(text.rstrip("\n"))
    slots = [slot.model_dump(mode="json") for slot in job.slots]
    return {"engine": engine, "plan": job.plan_hash, "slots": slots, "text": text}


def _applied(found: Compiled, engine: EngineName, options: DeployOptions, output: Output) -> dict[str, Any]:
    if engine != "kubernetes":
        raise UsageError(f"--apply is for the engine kubernetes, and this one is {engine}; leave the option out")
    from rlreactor.deployment.engines.kubernetes_apply import apply

    job = job_of(found, engine)
    with tempfile.TemporaryDirectory(prefix="rlreactor-keys-") as fresh:
        folder = _keys_folder(found, options) or Path(fresh)
        if folder == Path(fresh):
            make_keys(folder, len(job.slots))
        made = apply(found.deployment, job, folder)
    output.say(f"made {', '.join(made)}")
    return {"engine": engine, "plan": job.plan_hash, "made": made}


def _submitted(found: Compiled, options: DeployOptions, output: Output) -> dict[str, Any]:
    """To Slurm, which runs this command again within the job; what that says is shown here as it comes."""
    check_all_used(found.deployment, job_of(found, "slurm"))
    job = submit(found.deployment, str(options.spec), resume=options.resume)
    output.say(f"submitted job {job.number}, which writes to {job.log}")
    about = {"engine": "slurm", "job": job.number, "log": str(job.log)}
    if options.detach:
        return about
    try:
        status = job.follow(lambda text: print(text, end="", flush=True))
    except KeyboardInterrupt:
        job.stop()
        raise
    if status:
        raise RunError(f"job {job.number} ended with status {status}; {job.log} has what it said")
    return {**about, "status": status}


def _keys_folder(found: Compiled, options: DeployOptions) -> Path | None:
    """None: made for the run."""
    asked = found.deployment.links.keys
    return options.keys or (None if asked == FRESH_KEYS else Path(asked))


def _deployed(found: Compiled, engine: EngineName, options: DeployOptions, output: Output) -> Result:
    run, keys = found.deployment.run, _keys_folder(found, options)
    recording = None if run.recording is None else Path(run.recording)
    starter = engine_for(engine, found.deployment)
    start = _newest(run, options, output)
    with _sinks(run, start) as (lines, observe):
        return deploy(
            job_of(found, engine), starter, keys=keys, observe=observe, record=recording,
            snapshot=None if run.snapshots is None else Path(run.snapshots), snapshot_every=run.snapshot_every,
            before_snapshot=None if lines is None else lines.secure, resume=None if start is None else start.path,
        )  # fmt: skip


def _newest(run: RunSpec, options: DeployOptions, output: Output) -> LoadedSnapshot | None:
    """The snapshot to go on from: for who asks, and where Slurm starts a lost job again. None: anew.

    Raises UsageError, or RunError where no snapshot is whole.
    """
    if not options.resume and not was_requeued():
        return None
    if run.snapshots is None:
        if options.resume:
            raise UsageError(
                f"--resume: {options.spec} keeps no snapshots; set run.snapshots to a folder, and the next run can be "
                "resumed"
            )
        return None
    if not finished_cuts(Path(run.snapshots)):
        output.say(f"begins at its beginning: {run.snapshots} holds no snapshot yet")
        return None
    newest = load_snapshot(run.snapshots)
    output.say(f"goes on from a snapshot in {run.snapshots}, of time {newest.manifest.cut} ns")
    return newest


@contextlib.contextmanager
def _sinks(run: RunSpec, start: LoadedSnapshot | None) -> Generator[tuple[JsonLines | None, Callable[[Metric], None]]]:
    """The file for metrics, where the spec asks for one, and what shows them as they arrive and writes them there."""
    sinks: list[Callable[[Metric], None]] = [LatestLines(sys.stderr)]
    with contextlib.ExitStack() as cleanup:
        lines = None
        if run.metrics is not None:
            path = Path(run.metrics)
            lines = JsonLines(path, 0.0 if start is None else cut_back(path, start.manifest.cut).seconds)
            cleanup.callback(lines.close)
            sinks.append(lines)

        def observe(metric: Metric) -> None:
            for sink in sinks:
                sink(metric)

        yield lines, observe


def _arrays(result: Result) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays among the states of all reactors at the stop, by `path.field`."""
    states = ((path, result.state(path)) for worker in result.plan.workers for path in worker.reactors)
    fields = ((f"{path}.{name}" if path else name, value) for path, state in states for name, value in state.items())
    return {name: value for name, value in fields if isinstance(value, np.ndarray)}


def _keep(result: Result, run: RunSpec) -> None:
    if run.state is not None:
        from safetensors.numpy import save

        contiguous = {name: np.ascontiguousarray(array) for name, array in _arrays(result).items()}
        write_atomically(Path(run.state), save(contiguous))


def _summary(result: Result, engine: EngineName, seconds: float) -> dict[str, Any]:
    return {
        "engine": engine,
        "tag": list(result.tag),
        "fingerprint": result.fingerprint,
        "hosts": {host: list(workers) for host, workers in result.plan.hosts.items()},
        "workers": len(result.plan.workers),
        "seconds": round(seconds, 3),
        "state_sha256": {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in _arrays(result).items()},
        "metrics": {name: series[-1][1] for name, series in result.metrics.items() if series},
    }


def _text(summary: dict[str, Any]) -> str:
    time_ns, microstep = summary["tag"]
    where = f"{summary['workers']} worker(s) of {max(1, len(summary['hosts']))} host(s)"
    lines = [f"stopped at ({time_ns} ns, {microstep}) after {summary['seconds']} s on {where}"]
    lines.append(f"fingerprint {summary['fingerprint']}")
    return "\n".join(lines + [f"{name} = {value}" for name, value in summary["metrics"].items()])
