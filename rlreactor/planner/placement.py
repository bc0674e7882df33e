"""`plan`: from a topology and a machine to who lives where."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from rlreactor.errors import PlanError
from rlreactor.graph import Graph, check
from rlreactor.planner.balance import balance
from rlreactor.planner.board import Load
from rlreactor.planner.cost import Costs
from rlreactor.planner.edges import between_workers, check_memory, reserved_bytes
from rlreactor.planner.flows import Flow, flows, message_bytes
from rlreactor.planner.groups import Group, groups
from rlreactor.planner.machine import Machine, discover
from rlreactor.planner.names import bank_of
from rlreactor.planner.phases import Phase, phases
from rlreactor.planner.pinning import deal_cores
from rlreactor.planner.plan import Plan, WorkerPlan
from rlreactor.planner.traffic import Channel, Traffic
from rlreactor.reactor import Reactor, class_path

__all__ = ["plan"]

_FINENESS = 1_000_000  # steps in which costs are told apart, from nothing to the largest

Phases = Mapping[str, Sequence[Phase]]


def plan(
    topology: Reactor | Graph,
    machine: Machine | None = None,
    workers: int | None = None,
    *,
    costs: Mapping[str, float] | None = None,
) -> Plan:
    """Decide who lives where. The same arguments give the same plan.

    Args:
        topology: a topology, or its checked graph.
        machine: what to plan for; this machine by default.
        workers: how many processes; by default as many as can be busy at the same time.
        costs: measured seconds of computing per tick, by path of the reactor.

    Raises:
        TopologyError: the topology breaks the rules.
        PlanError: it cannot be placed as asked; the message quotes the numbers.
    """
    graph = topology if isinstance(topology, Graph) else check(topology)
    machine = machine or discover()
    return _Planner(graph, machine, workers, Costs(graph, costs)).plan()


class _Planner:
    """What the steps of one plan have in common."""

    def __init__(self, graph: Graph, machine: Machine, workers: int | None, costs: Costs) -> None:
        self.graph = graph
        self.machine = machine
        self.costs = costs
        self.notes: list[str] = []
        self.flows = flows(graph)
        self.phases = phases(graph, self.flows)
        self.groups = groups(graph, machine)
        self.worker_count = self._worker_count(workers)

    def plan(self) -> Plan:
        workers = self._worker_plans(self._members())
        place = {path: worker.index for worker in workers for path in worker.reactors}
        edges = between_workers(self.graph, self.flows, place)
        memory = reserved_bytes(edges, len(workers))
        check_memory(edges, memory, self.machine.memory)
        topology = class_path(type(self.graph.topology))
        self._note_hosts()
        return Plan(topology=topology, workers=workers, edges=edges, memory_bytes=memory, notes=tuple(self.notes))

    def _worker_count(self, asked: int | None) -> int:
        most = max(1, len(self.groups))
        if asked is None:
            return self._useful_count()
        if type(asked) is not int or asked < 1:
            raise PlanError(f"workers: expected an int of 1 or more, received {asked!r}")
        if asked > most:
            self.notes.append(f"asked for {asked} workers, but {self._group_text(most)}: {most} used")
        return min(asked, most)

    def _group_text(self, most: int) -> str:
        busy = sum(len(group.reactors) for group in self.groups)
        together = f", and with_= leaves {_count(most, 'group')} of them" if busy > most else ""
        return f"only {_count(busy, 'reactor')} {'has' if busy == 1 else 'have'} reactions{together}"

    def _useful_count(self) -> int:
        """As many workers as there are cores and reactors that can run at the same time."""
        width = max(1, _width(self.groups, self.phases))
        possible = min(self.machine.usable, len(self.groups))
        if width < possible:
            self.notes.append(
                f"{_count(width, 'worker')} on {_count(self.machine.usable, 'core')}: at most {width} of the "
                f"{len(self.groups)} reactors can run at the same time; workers= asks for more"
            )
        return max(1, min(possible, width))  # reactors that are kept together may be fewer groups than reactors

    def _members(self) -> list[list[Group]]:
        """The groups of every worker; workers are numbered in the order of their first groups."""
        if not self.groups:
            return [[]]
        place = balance(self.worker_count, self._loads(), self._banks(), self._traffic())
        members: defaultdict[int, list[Group]] = defaultdict(list)
        for index, group in enumerate(self.groups):
            members[place[index]].append(group)
        return list(members.values())

    def _loads(self) -> list[Load]:
        estimates = {p: self.costs.estimate(p) for group in self.groups for p in group.reactors}
        scale = _FINENESS / (max(estimates.values(), default=0) or 1)
        return [_load(group, self.phases, estimates, scale) for group in self.groups]

    def _banks(self) -> list[list[int]]:
        banks: defaultdict[tuple[str, float], list[int]] = defaultdict(list)
        for index, group in enumerate(self.groups):
            cost = math.fsum(self.costs.estimate(path) for path in group.reactors)
            banks[bank_of(group.reactors[0]), cost].append(index)
        return list(banks.values())

    def _traffic(self) -> Traffic:
        owner = {path: i for i, group in enumerate(self.groups) for path in group.reactors}
        return Traffic(_channels(self.graph, self.flows, owner), len(self.groups))

    def _worker_plans(self, members: list[list[Group]]) -> tuple[WorkerPlan, ...]:
        threads = [max((group.threads for group in own), default=1) for own in members]
        cores = deal_cores(self.machine, threads)
        self._note_cores(threads)
        gpus = iter(gpu.index for gpu in self.machine.gpus)
        return tuple(
            WorkerPlan(
                index=index,
                reactors=self._reactors(own, index),
                cores=cores[index],
                threads=threads[index],
                gpus=tuple(next(gpus) for _ in range(sum(group.gpus for group in own))),
                load=self._load(own),
            )
            for index, own in enumerate(members)
        )

    def _reactors(self, own: list[Group], index: int) -> tuple[str, ...]:
        """In graph order; what has no reactions takes no time and is with worker 0."""
        busy = {path for group in self.groups for path in group.reactors}
        mine = {path for group in own for path in group.reactors}
        return tuple(p for p in self.graph.reactors if p in mine or (index == 0 and p not in busy))

    def _load(self, own: list[Group]) -> float | None:
        known = [self.costs.known(path) for group in own for path in group.reactors]
        return None if None in known else math.fsum(cost for cost in known if cost is not None)

    def _note_cores(self, threads: Sequence[int]) -> None:
        cores = len(self.machine.cores)
        workers = _count(len(threads), "worker")
        if self.machine.quota_binds:
            self.notes.append(
                f"a quota of {self.machine.quota:g} of {_count(cores, 'core')} grants time, not cores, so workers are "
                "not pinned"
            )
        if sum(threads) > self.machine.usable:
            wanted = f" with {sum(threads)} threads" if sum(threads) > len(threads) else ""
            self.notes.append(
                f"{workers}{wanted} on {_count(self.machine.usable, 'core')}, so nobody spins while it waits"
            )

    def _note_hosts(self) -> None:
        hosts = sorted({p.host for p in self.graph.placing.values() if p.host is not None})
        if hosts:
            names = ", ".join(map(repr, hosts))
            self.notes.append(f"host={names} changes nothing: this plan is for one machine")


def _width(groups: Iterable[Group], phases: Phases) -> int:
    """How many groups can run at the same time: of every train the phase that most take part in."""
    crowd = Counter(phase for group in groups for phase in _phases_of(group, phases))
    widest: defaultdict[str, int] = defaultdict(int)
    for phase, size in crowd.items():
        widest[phase.train] = max(widest[phase.train], size)
    return sum(widest.values())


def _phases_of(group: Group, phases: Phases) -> set[Phase]:
    return {phase for path in group.reactors for phase in phases[path]}


def _load(group: Group, phases: Phases, estimates: Mapping[str, float], scale: float) -> Load:
    """A reactor's cost in equal parts over its phases; what costs nothing still counts for a little."""
    load: defaultdict[Phase, int] = defaultdict(int)
    for path in group.reactors:
        for phase in phases[path]:
            load[phase] += max(1, round(estimates[path] * scale / len(phases[path])))
    return load


def _channels(graph: Graph, among: Iterable[Flow], owner: Mapping[str, int]) -> list[Channel]:
    readers: defaultdict[str, dict[int, None]] = defaultdict(dict)
    writers: dict[str, int] = {}
    for flow in among:
        writers[flow.source] = owner[flow.writer]
        if owner[flow.reader] != owner[flow.writer]:
            readers[flow.source][owner[flow.reader]] = None
    return [Channel(message_bytes(graph, s), writers[s], tuple(r)) for s, r in readers.items()]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
