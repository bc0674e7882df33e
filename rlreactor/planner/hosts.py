"""Plans over several hosts: which host every worker is on, and what leads from host to host."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate, combinations

from rlreactor.errors import PlanError, did_you_mean
from rlreactor.graph import Graph
from rlreactor.planner.balance import balance
from rlreactor.planner.cluster import ASSUMED
from rlreactor.planner.cores import Core
from rlreactor.planner.edges import check_memory, host_bytes, touching, under_way, window_bytes
from rlreactor.planner.gpus import Gpu
from rlreactor.planner.groups import Group
from rlreactor.planner.links import LinkPlan
from rlreactor.planner.machine import Machine, Network
from rlreactor.planner.memory import ring_capacity
from rlreactor.planner.model import Frozen
from rlreactor.planner.placement import Planner
from rlreactor.planner.plan import Plan, WorkerPlan
from rlreactor.planner.prediction import Prediction
from rlreactor.planner.profile import Profile
from rlreactor.reactor import class_path

__all__ = ["PlannedHost", "plan_over"]

Homes = list[tuple[int, ...]]
"""Of every group the hosts, or the workers, that it may be on, by position."""


class PlannedHost(Frozen):
    """A host that a plan is made for.

    Attributes:
        name: its own.
        kin: name of the hosts that are like it; `host=` may say either.
        cores, gpus: how many.
        memory: bytes.
        workers: how many processes; the planner's choice when None.
    """

    name: str
    kin: str = ""
    cores: int
    memory: int
    gpus: int = 0
    workers: int | None = None

    @property
    def machine(self) -> Machine:
        """It alone, its cores and GPUs numbered from 0."""
        return Machine.made_up(self.cores, memory=self.memory, gpus=self.gpus)


def plan_over(
    graph: Graph,
    hosts: Sequence[PlannedHost],
    *,
    profile: Profile | None = None,
    network: Network = ASSUMED,
    window: int = ring_capacity,
) -> Plan:
    """Decide who lives where, on every host at least one worker if there is anything for it to do.

    Workers of one host share memory; between hosts messages go over TCP, up to `window` bytes of them under way and
    unread on every link. The same arguments give the same plan.

    Raises PlanError where constraints cannot be fulfilled; the message quotes hosts and numbers.
    """
    planner = Planner(graph, _together(hosts, network), None, None, profile, "`workers` of a host")
    homes = _homes(graph, planner.groups, hosts)
    owners = _owners(planner, hosts, homes)
    members = _members(planner, owners, homes)
    return _finished(planner, hosts, _numbered(planner, hosts, owners, members), window)


def _together(hosts: Sequence[PlannedHost], network: Network) -> Machine:
    """All hosts as one machine, cores and GPUs numbered through."""
    cores: list[Core] = []
    for index, host in enumerate(hosts):
        start = len(cores)
        cores += [
            core.model_copy(
                update={n: getattr(core, n) + start for n in ("id", "l2", "l3", "physical")} | {"host": index}
            )
            for core in host.machine.cores
        ]
    gpus = range(sum(host.gpus for host in hosts))
    return Machine(
        cores=tuple(cores),
        memory=sum(host.memory for host in hosts),
        gpus=tuple(Gpu(index=i, name="made up") for i in gpus),
        network=network if len(hosts) > 1 else None,
    )


def _homes(graph: Graph, groups: Sequence[Group], hosts: Sequence[PlannedHost]) -> Homes:
    """The hosts that have the name, the cores and the GPUs that a group asks for; with GPUs it is one host."""
    homes = [_suitable(graph, group, hosts) for group in groups]
    free = [host.gpus for host in hosts]
    asking = (index for index, group in enumerate(groups) if group.gpus)
    for index in sorted(asking, key=lambda i: (len(homes[i]), -groups[i].gpus, i)):
        homes[index] = (_with_gpus(groups[index], homes[index], free, hosts),)
        free[homes[index][0]] -= groups[index].gpus
    return homes


def _suitable(graph: Graph, group: Group, hosts: Sequence[PlannedHost]) -> tuple[int, ...]:
    named = _named(graph, group, hosts)
    name, wanted = ("threads", group.threads) if group.threads >= group.cores else ("cores", group.cores)
    fitting = tuple(i for i in named if hosts[i].cores >= wanted)
    if not fitting:
        most = max(named, key=lambda i: hosts[i].cores)
        raise PlanError(
            f"{group.reactors[0]}: {name}={wanted}, but of the hosts it may be on none has more than the "
            f"{hosts[most].cores} cores of {hosts[most].name!r}; ask for fewer {name}, or give a host more cores"
        )
    return fitting


def _named(graph: Graph, group: Group, hosts: Sequence[PlannedHost]) -> tuple[int, ...]:
    asked = next(
        ((path, place.host) for path in group.reactors if (place := graph.placing.get(path)) and place.host), None
    )
    if asked is None:
        return tuple(range(len(hosts)))
    path, name = asked
    found = tuple(i for i, host in enumerate(hosts) if name in (host.name, host.kin))
    if not found:
        known = {known for host in hosts for known in (host.name, host.kin) if known}
        raise PlanError(f"{path} must be on host {name!r}, but there is none; {did_you_mean(name, known)}")
    return found


def _with_gpus(group: Group, homes: Sequence[int], free: Sequence[int], hosts: Sequence[PlannedHost]) -> int:
    """The host with most GPUs left, of equals the first."""
    best = max(homes, key=lambda i: (free[i], -i))
    if free[best] < group.gpus:
        left = ", ".join(f"{hosts[i].name}: {free[i]} of {hosts[i].gpus}" for i in homes[:4])
        raise PlanError(
            f"{group.reactors[0]}: gpu={group.gpus}, but no host that it may be on has so many left "
            f"({left}{', …' if len(homes) > 4 else ''}); lower gpu=, or give a host more GPUs"
        )
    return best


def _owners(planner: Planner, hosts: Sequence[PlannedHost], homes: Homes) -> list[int]:
    """The host of every worker, in order: at least one for each, and then in proportion to their cores."""
    most = [sum(i in home for home in homes) for i in range(len(hosts))]
    room = [min(most[i], host.workers or host.cores) for i, host in enumerate(hosts)]
    counts = [min(1, most[i]) if host.workers is None else room[i] for i, host in enumerate(hosts)]
    for _ in range(planner.useful_count() - sum(counts)):
        growing = [i for i, host in enumerate(hosts) if host.workers is None and counts[i] < room[i]]
        if not growing:
            break
        counts[min(growing, key=lambda i: (counts[i] / hosts[i].cores, i))] += 1
    return [i for i, count in enumerate(counts) for _ in range(count)] or [0]


def _members(planner: Planner, owners: Sequence[int], homes: Homes) -> list[list[Group]]:
    """The groups of every worker."""
    members: list[list[Group]] = [[] for _ in owners]
    workers = {home: tuple(w for w, host in enumerate(owners) if host in home) for home in set(homes)}
    alike: defaultdict[tuple[int, tuple[int, ...]], list[int]] = defaultdict(list)
    for bank, groups in enumerate(planner.banks()):
        for group in groups:
            alike[bank, homes[group]].append(group)
    place = balance(
        len(owners), planner.loads(), list(alike.values()), planner.traffic(), [workers[home] for home in homes]
    )
    for group, worker in sorted(place.items()):
        members[worker].append(planner.groups[group])
    return members


def _numbered(
    planner: Planner, hosts: Sequence[PlannedHost], owners: Sequence[int], members: list[list[Group]]
) -> tuple[WorkerPlan, ...]:
    """Workers of the first host first, on every host in the order of their first groups; none is empty."""
    order = {group: index for index, group in enumerate(planner.groups)}
    made: list[WorkerPlan] = []
    for index, host in enumerate(hosts):
        own = [groups for groups, owner in zip(members, owners, strict=True) if owner == index and groups]
        own.sort(key=lambda groups: order[groups[0]])
        made += planner.worker_plans(own, host.machine, first=len(made), host=host.name)
    return tuple(made) or planner.worker_plans([[]], hosts[0].machine, host=hosts[0].name)


def _finished(planner: Planner, hosts: Sequence[PlannedHost], workers: tuple[WorkerPlan, ...], window: int) -> Plan:
    links = tuple(
        LinkPlan(workers=(one.index, other.index), carrier="tcp", window=window)
        for one, other in combinations(workers, 2)
        if one.host != other.host
    )
    plan = Plan(
        topology=class_path(type(planner.graph.topology)),
        workers=workers,
        edges=under_way(planner.edges(workers), links),
        links=links,
        prediction=_prediction(planner, hosts, workers),
        profile=planner.profile,
    )
    memory = sum(_checked_memory(plan, host, window) for host in hosts if host.name in plan.hosts)
    return plan.model_copy(update={"memory_bytes": memory, "notes": tuple(_notes(plan, planner, hosts))})


def _prediction(planner: Planner, hosts: Sequence[PlannedHost], workers: Sequence[WorkerPlan]) -> Prediction | None:
    if planner.predictor is None:
        return None
    first = dict(zip((h.name for h in hosts), accumulate((h.cores for h in hosts), initial=0), strict=False))
    cores = [tuple(first[worker.host or ""] + core for core in worker.cores) for worker in workers]
    return planner.predictor.predict([worker.reactors for worker in workers], cores)


def _checked_memory(plan: Plan, host: PlannedHost, window: int) -> int:
    here = plan.hosts[host.name]
    needed = host_bytes(plan.edges, here, len(plan.workers), window)
    windows = window_bytes(here, len(plan.workers), window)
    check_memory(touching(plan.edges, here), needed, host.memory, f"host {host.name!r}", windows)
    return needed


def _notes(plan: Plan, planner: Planner, hosts: Sequence[PlannedHost]) -> Iterator[str]:
    yield from planner.notes
    for host in hosts:
        here = plan.hosts.get(host.name, ())
        threads = sum(plan.workers[w].threads for w in here)
        cores = sum(len(plan.workers[w].cores) for w in here)
        if not here:
            yield f"host {host.name!r} has nothing to do"
        elif host.workers is not None and len(here) < host.workers:
            yield f"host {host.name!r}: {host.workers} workers asked for, {len(here)} used: there is no more to do"
        if threads > host.cores:
            yield f"host {host.name!r}: {threads} threads on {host.cores} cores, so nobody spins there while it waits"
        elif cores > host.cores:
            yield f"host {host.name!r}: its workers ask for {cores} cores and share the {host.cores} that there are"
