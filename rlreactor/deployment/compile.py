"""From the deployment to what is run: the checked graph, the plan over its hosts, and the job that slots are told.

The planner needs no host to be there: the same spec gives the same plan on a laptop.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from rlreactor.deployment.constraints import constrained
from rlreactor.deployment.engines.sections import EngineName
from rlreactor.deployment.job import Job, JobOptions, Slot
from rlreactor.deployment.spec import Deployment, Host
from rlreactor.errors import PlanError
from rlreactor.graph import Graph, check
from rlreactor.planner.hosts import PlannedHost, plan_over
from rlreactor.planner.placement import plan as plan_here
from rlreactor.planner.plan import Plan, WorkerPlan
from rlreactor.planner.profile import Profile
from rlreactor.reference import load

__all__ = ["Compiled", "compile_deployment", "job_of"]

_MEMORY_PER_CORE = 4 << 30  # bytes, where nothing is said
_MOST = 1_000_000  # cores or GPUs that can be planned for
_THIS_MACHINE = "localhost"
_LOOPBACK = "127.0.0.1"


class Compiled(NamedTuple):
    """What a deployment comes to."""

    deployment: Deployment
    graph: Graph
    plan: Plan


def compile_deployment(deployment: Deployment, *, profile: Profile | None = None) -> Compiled:
    """Import the topology, check it and place it.

    Raises:
        ReferenceProblem, UserCodeError: the topology's class is not there, or raises when it is made.
        TopologyError: its parameters or its wiring are wrong.
        PlanError: it cannot be placed on these hosts.
    """
    graph = check(load(deployment.topology.class_, deployment.topology.parameters), fast=deployment.run.fast)
    graph = constrained(graph, deployment.constraints)
    if not deployment.hosts:
        return Compiled(deployment, graph, plan_here(graph, profile=profile))
    plan = plan_over(graph, _planned(deployment), profile=profile, window=deployment.links.window)
    _check_ports(plan, deployment.machines)
    return Compiled(deployment, graph, plan)


def job_of(compiled: Compiled, engine: EngineName | None = None) -> Job:
    """What every slot is told when this engine starts them, the deployment's own by default."""
    deployment, run = compiled.deployment, compiled.deployment.run
    here = (engine or deployment.engine) == "local"
    plan = _side_by_side(compiled.plan, deployment.machines) if here else compiled.plan
    return Job(
        topology=deployment.topology.class_,
        parameters=dict(deployment.topology.parameters),
        threads={path: placing.threads for path, placing in sorted(compiled.graph.placing.items())},
        plan=plan,
        slots=_slots(plan, deployment.machines, engine or deployment.engine),
        options=JobOptions(
            seed=run.seed, timeout=run.stop, fast=run.fast, fingerprint=run.fingerprint,
            record=run.recording is not None, stall_limit=run.stall_seconds,
            unreachable_limit=deployment.links.unreachable_seconds,
        ),
    )  # fmt: skip


def _planned(deployment: Deployment) -> list[PlannedHost]:
    for name in ("cores", "gpus"):
        total = sum(getattr(host, name) * host.count for host in deployment.hosts)
        if total > _MOST:
            raise PlanError(f"the hosts together have {total:,} {name}; expected at most {_MOST:,}")
    kin = [host.name for host in deployment.hosts for _ in host.names]
    return [
        PlannedHost(
            name=host.name, kin=name, cores=host.cores, memory=host.memory or host.cores * _MEMORY_PER_CORE,
            gpus=host.gpus, workers=host.workers,
        )
        for host, name in zip(deployment.machines, kin, strict=True)
    ]  # fmt: skip


def _check_ports(plan: Plan, hosts: Sequence[Host]) -> None:
    """Every worker listens once for every worker of another host."""
    for host in hosts:
        here = plan.hosts.get(host.name, ())
        needed = len(here) * (len(plan.workers) - len(here))
        there = host.ports[1] - host.ports[0] + 1
        if needed > there:
            raise PlanError(
                f"host {host.name!r}: its {len(here)} workers listen for {len(plan.workers) - len(here)} workers of "
                f"other hosts on {needed} ports, but its range {host.ports[0]}-{host.ports[1]} has {there}; make "
                f"`ports` wider, or take fewer workers"
            )


def _side_by_side(plan: Plan, hosts: Sequence[Host]) -> Plan:
    """All hosts are this machine: their cores and GPUs follow one another, instead of being the same."""
    cores = dict(zip((host.name for host in hosts), accumulate((h.cores for h in hosts), initial=0), strict=False))
    gpus = dict(zip((host.name for host in hosts), accumulate((h.gpus for h in hosts), initial=0), strict=False))

    def moved(worker: WorkerPlan) -> WorkerPlan:
        if worker.host is None:
            return worker
        own = tuple(core + cores[worker.host] for core in worker.cores)
        return worker.model_copy(update={"cores": own, "gpus": tuple(g + gpus[worker.host] for g in worker.gpus)})

    return plan.model_copy(update={"workers": tuple(map(moved, plan.workers))})


def _slots(plan: Plan, hosts: Sequence[Host], engine: EngineName) -> tuple[Slot, ...]:
    if not hosts:
        return (Slot(host=_THIS_MACHINE, workers=tuple(worker.index for worker in plan.workers), address=_LOOPBACK),)
    known = {host.name: host for host in hosts}
    return tuple(
        Slot(host=name, workers=workers, address=_data_address(known[name], engine), ports=known[name].ports)
        for name, workers in plan.hosts.items()
    )


def _data_address(host: Host, engine: EngineName) -> str | None:
    """Where its workers listen; None where the engine chooses the machine, so that only it knows."""
    if engine == "local":
        return _LOOPBACK
    return host.data_address or host.address if engine == "ssh" else None
