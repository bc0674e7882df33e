"""`rlreactor plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from rlreactor.commands.failure import UsageError
from rlreactor.commands.options import Shown
from rlreactor.commands.output import Output
from rlreactor.commands.plan_file import read_plan
from rlreactor.commands.reference import TopologyOptions, is_spec
from rlreactor.graph import check
from rlreactor.observe.files import write_atomically
from rlreactor.planner.links import CARRIER_HELP, LinkCarrier
from rlreactor.planner.placement import plan
from rlreactor.planner.plan import Plan
from rlreactor.planner.profile import Profile
from rlreactor.reactor import Reactor

__all__ = ["PlanOptions", "plan_command"]


class PlanOptions(TopologyOptions):
    """Place a topology on this machine and print the plan: workers, cores, edges, memory, and what to expect.

    In place of MODULE:CLASS, the file of a deployment (.yaml, .toml): the plan is for its hosts, which may be absent.

    Predictions need costs: --profile runs the topology for a few seconds and measures them, --costs takes them from a
    plan that was written before. They are kept by bank, so a topology with larger banks can use them too.
    """

    workers: Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="Processes; the planner's choice when not given."
    )
    carrier: LinkCarrier = Field(default="memory", description=CARRIER_HELP)
    profile: Annotated[bool, Shown(switch=True)] = Field(
        default=False, description="Measure in a short run what reactions cost, and predict with that."
    )
    profile_seconds: Annotated[float, Field(gt=0)] = Field(
        default=3.0, description="Longest time that each of its three runs takes, starting and stopping left aside."
    )
    costs: Path | None = Field(default=None, description="Plan whose measured costs are used instead.")
    simulate: Annotated[str | None, Shown(metavar="MACHINE")] = Field(
        default=None,
        description="Play the plan on machines that are not there, such as '100 hosts x 64 cores, 25 Gbit/s'; needs "
        "--profile or --costs. Fill them by enlarging banks with --set.",
    )
    output: Path | None = Field(default=None, description="File for the plan as YAML, which `run --plan` reads.")


def plan_command(options: PlanOptions, output: Output) -> dict[str, Any]:
    """Raises TopologyError, PlanError, RunError, FileError or UsageError."""
    if is_spec(options.topology):
        return _deployed(options, output)
    topology = options.load()
    known = _profile(options, topology)
    if options.simulate is not None:
        return _simulated(options, topology, known, output)
    return _shown(plan(topology, workers=options.workers, profile=known, carrier=options.carrier), options, output)


def _deployed(options: PlanOptions, output: Output) -> dict[str, Any]:
    from rlreactor.commands.spec_file import compiled, read_spec  # late: it costs every other start 0.1 s

    for name in ("workers", "simulate"):
        if getattr(options, name) is not None:
            raise UsageError(f"--{name}: a deployment says it itself, with its hosts; leave the option out")
    deployment = read_spec(options.topology, options.parameters)
    found = compiled(deployment)
    known = _profile(options, found.graph.topology)
    return _shown(found.plan if known is None else compiled(deployment, known).plan, options, output)


def _shown(made: Plan, options: PlanOptions, output: Output) -> dict[str, Any]:
    output.say(str(made))
    if options.output is not None:
        write_atomically(options.output, made.to_yaml().encode())
    return made.model_dump(mode="json")


def _profile(options: PlanOptions, topology: Reactor) -> Profile | None:
    if options.profile and options.costs is not None:
        raise UsageError("--profile measures costs and --costs takes them from a file; give one of the two")
    if options.profile:
        from rlreactor.runtime.profiling import profile

        return profile(topology, seconds=options.profile_seconds)
    if options.costs is None:
        return None
    known = read_plan(options.costs).profile
    if known is None:
        raise UsageError(f"--costs: {options.costs} has no measured costs; rlreactor plan --profile --output makes one")
    return known


def _simulated(options: PlanOptions, topology: Reactor, known: Profile | None, output: Output) -> dict[str, Any]:
    from rlreactor.planner.cluster import machine_of
    from rlreactor.planner.simulation import simulate

    assert options.simulate is not None
    if known is None:
        raise UsageError("--simulate needs measured costs: add --profile, or --costs with a plan that has some")
    if options.output is not None:
        raise UsageError("--output: what is simulated is no plan for this machine; leave one of the two out")
    found = simulate(check(topology), known, machine_of(options.simulate), options.workers)
    output.say(str(found))
    return found.model_dump(mode="json")
