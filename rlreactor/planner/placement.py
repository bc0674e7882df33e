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
from rlreactor.planner.edges import between_workers, check_memory, reserved_bytes, under_way
from rlreactor.planner.flows import Flow, flows, message_bytes
from rlreactor.planner.groups import Group, groups
from rlreactor.planner.links import LinkCarrier, LinkPlan, links_between
from rlreactor.planner.machine import Machine, discover
from rlreactor.planner.names import bank_of
from rlreactor.planner.phases import Phase, phases
from rlreactor.planner.pinning import deal_cores
from rlreactor.planner.plan import EdgePlan, Plan, WorkerPlan
from rlreactor.planner.prediction import Prediction, Predictor
from rlreactor.planner.profile import Profile
from rlreactor.planner.traffic import Channel, Traffic
from rlreactor.reactor import Reactor, class_path

__all__ = ["Planner", "plan", "plan_of", "spread"]

_TRIED_ONE_BY_ONE = 8  # numbers of workers; beyond it doubled each time
_WORTH_A_WORKER = 1.02  # a worker more has to gain at least that much
_CLEARLY = 0.98  # a move has to gain at least that much
_FINENESS = 1_000_000  # steps in which costs are told apart, from nothing to the largest

Phases = Mapping[str, Sequence[Phase]]


def plan(
    topology: Reactor | Graph,
    machine: Machine | None = None,
    workers: int | None = None,
    *,
    costs: Mapping[str, float] | None = None,
    profile: Profile | None = None,
    carrier: LinkCarrier = "memory",
) -> Plan:
    """Decide who lives where. The same arguments give the same plan.

    Args:
        topology: a topology, or its checked graph.
        machine: what to plan for; this machine by default.
        workers: how many processes; by default as many as can be busy at the same time.
        costs: measured seconds of computing per tick, by path of the reactor.
        profile: what a short run measured (`rlreactor plan --profile`): costs, and all that predictions rest on. The
            number of workers is then the one that is predicted to be fastest.
        carrier: what takes messages from worker to worker: "memory" that they share, or sockets, "ipc" or "tcp".

    Raises:
        TopologyError: the topology breaks the rules.
        PlanError: it cannot be placed as asked; the message quotes the numbers.
    """
    graph = topology if isinstance(topology, Graph) else check(topology)
    machine = machine or discover()
    made = Planner(graph, machine, workers, costs, profile).plan()
    return _linked(made, links_between(len(made.workers), carrier), machine)


def _linked(made: Plan, links: tuple[LinkPlan, ...], machine: Machine) -> Plan:
    edges = under_way(made.edges, links)
    memory = reserved_bytes(edges, len(made.workers))
    check_memory(edges, memory, machine.memory)
    return made.model_copy(update={"links": links, "edges": edges, "memory_bytes": memory})


def plan_of(graph: Graph, machine: Machine, reactors: Sequence[Sequence[str]]) -> Plan:
    """The plan with these reactors on each worker; whether they may be so is not looked at."""
    planner = Planner(graph, machine, len(reactors), None, None)
    home = {path: worker for worker, own in enumerate(reactors) for path in own}
    members: list[list[Group]] = [[] for _ in reactors]
    for group in planner.groups:
        members[home[group.reactors[0]]].append(group)
    return planner.finished(planner.worker_plans(members))


def spread(
    graph: Graph, machine: Machine, workers: int | None, profile: Profile
) -> tuple[tuple[WorkerPlan, ...], Prediction]:
    """The workers alone, on as many as can be busy unless told, and what to expect of them; nothing is chosen."""
    planner = Planner(graph, machine, workers, None, profile)
    return planner.spread()


class Planner:
    """What the steps of one plan have in common."""

    def __init__(
        self,
        graph: Graph,
        machine: Machine,
        workers: int | None,
        costs: Mapping[str, float] | None,
        profile: Profile | None,
        asking: str = "workers=",
    ) -> None:
        self.asking = asking  # how a user asks for more workers
        self.graph = graph
        self.machine = machine
        self.profile = profile
        self.predictor = None if profile is None else Predictor(graph, profile, machine)
        self.costs = Costs(graph, (self.predictor.costs() if self.predictor else {}) | dict(costs or {}))
        self.notes: list[str] = []
        self.flows = flows(graph)
        self.phases = phases(graph, self.flows)
        self.groups = groups(graph, machine)
        self.asked = workers

    def plan(self) -> Plan:
        if self.asked is None:
            return self.finished(self._fastest([self._placed(count) for count in self._sensible_counts()]))
        placed = self._placed(self._checked(self.asked))
        self._note_slower(placed)
        return self.finished(placed)

    def _placed(self, count: int) -> tuple[WorkerPlan, ...]:
        """The groups on so many workers: first by a rule, then, where costs are known, by trying moves."""
        members = self._members(count)
        return self.worker_plans(members if self.predictor is None else self._refined(members, self.predictor))

    def _refined(self, members: list[list[Group]], predictor: Predictor) -> list[list[Group]]:
        """Move banks, and then single groups, as long as that makes the predicted tick clearly shorter.

        The rule balances what computes; only playing the schedule shows who is kept waiting by whom, such as rollouts
        by evaluators next to them that read from the learner without delay.
        """
        home = {self.groups.index(group): worker for worker, own in enumerate(members) for group in own}
        best = predictor.tick_seconds(*_layout(self.worker_plans(members)))
        banks = [bank for bank in self.banks() if len(bank) > 1]
        moves = [*banks, *([index] for index in range(len(self.groups)))]
        tries = ({**home, **dict.fromkeys(own, w)} for own in moves for w in range(len(members)))
        for _ in range(predictor.affordable_trials):
            moved = next(tries, None)
            if moved is None:
                break
            if moved == home or len(set(moved.values())) < len(members):
                continue
            tick = predictor.tick_seconds(*_layout(self.worker_plans(self._grouped(moved))))
            if tick < best * _CLEARLY:
                best = tick
                home.update(moved)
        return self._grouped(home)

    def _grouped(self, home: Mapping[int, int]) -> list[list[Group]]:
        """The groups of every worker; workers are numbered in the order of their first groups."""
        members: defaultdict[int, list[Group]] = defaultdict(list)
        for index, group in enumerate(self.groups):
            members[home[index]].append(group)
        return list(members.values())

    def spread(self) -> tuple[tuple[WorkerPlan, ...], Prediction]:
        count = self.useful_count() if self.asked is None else self._checked(self.asked)
        assert self.predictor is not None
        workers = self.worker_plans(self._members(count))
        return workers, self.predictor.predict(*_layout(workers))

    def finished(self, workers: tuple[WorkerPlan, ...]) -> Plan:
        """The plan with these workers on this machine. Raises PlanError where its memory is too small."""
        edges = self.edges(workers)
        memory = reserved_bytes(edges, len(workers))
        check_memory(edges, memory, self.machine.memory)
        self._note_cores([worker.threads for worker in workers])
        self._note_hosts()
        return Plan(
            topology=class_path(type(self.graph.topology)),
            workers=workers,
            edges=edges,
            memory_bytes=memory,
            notes=tuple(self.notes),
            prediction=None if self.predictor is None else self.predictor.predict(*_layout(workers)),
            profile=self.profile,
        )

    def edges(self, workers: Sequence[WorkerPlan]) -> tuple[EdgePlan, ...]:
        """What leads from worker to worker."""
        place = {path: worker.index for worker in workers for path in worker.reactors}
        return between_workers(self.graph, self.flows, place)

    def _fastest(self, candidates: Sequence[tuple[WorkerPlan, ...]]) -> tuple[WorkerPlan, ...]:
        """The candidate with the shortest tick, fewer workers where that costs next to nothing."""
        if self.predictor is None or len(candidates) == 1:
            return candidates[-1]
        ticks = [self.predictor.tick_seconds(*_layout(workers)) for workers in candidates]
        fewest = next(i for i, tick in enumerate(ticks) if tick <= min(ticks) * _WORTH_A_WORKER)
        if fewest + 1 < len(candidates):
            slower = ticks[-1] / ticks[fewest]
            self.notes.append(
                f"{_count(len(candidates[fewest]), 'worker')}: {len(candidates[-1])} would take {slower:.2f} times as "
                "long for a tick; workers= asks for more"
            )
        return candidates[fewest]

    def _checked(self, asked: int) -> int:
        """As many workers as were asked for, if there is something for each to do."""
        most = max(1, len(self.groups))
        if type(asked) is not int or asked < 1:
            raise PlanError(f"workers: expected an int of 1 or more, received {asked!r}")
        if asked > most:
            self.notes.append(f"asked for {asked} workers, but {self._group_text(most)}: {most} used")
        return min(asked, most)

    def _sensible_counts(self) -> list[int]:
        """Numbers of workers to choose from, in order; without a profile there is nothing to choose by.

        With one, stages that pass things on can be tried on workers of their own: playing shows whether that pays.
        """
        if self.predictor is None:
            return [self.useful_count()]
        most = max(1, min(self.machine.usable, len(self.groups)))
        doubled = {1 << power for power in range(most.bit_length())}
        return list(range(1, most + 1)) if most <= _TRIED_ONE_BY_ONE else sorted({*doubled, most})

    def _group_text(self, most: int) -> str:
        busy = sum(len(group.reactors) for group in self.groups)
        together = f", and with_= leaves {_count(most, 'group')} of them" if busy > most else ""
        return f"only {_count(busy, 'reactor')} {'has' if busy == 1 else 'have'} reactions{together}"

    def useful_count(self) -> int:
        """As many workers as there are cores and reactors that can run at the same time."""
        width = max(1, _width(self.groups, self.phases))
        possible = min(self.machine.usable, len(self.groups))
        if width < possible:
            self.notes.append(
                f"{_count(width, 'worker')} on {_count(self.machine.usable, 'core')}: at most {width} of the "
                f"{len(self.groups)} reactors can run at the same time; {self.asking} asks for more"
            )
        return max(1, min(possible, width))  # reactors that are kept together may be fewer groups than reactors

    def _members(self, count: int) -> list[list[Group]]:
        """The groups of every worker; workers are numbered in the order of their first groups."""
        if not self.groups:
            return [[]]
        return self._grouped(balance(count, self.loads(), self.banks(), self.traffic()))

    def loads(self) -> list[Load]:
        """What every group computes, by phase."""
        estimates = {p: self.costs.estimate(p) for group in self.groups for p in group.reactors}
        scale = _FINENESS / (max(estimates.values(), default=0) or 1)
        return [_load(group, self.phases, estimates, scale) for group in self.groups]

    def banks(self) -> list[list[int]]:
        """Groups that are alike, by index."""
        banks: defaultdict[tuple[str, float], list[int]] = defaultdict(list)
        for index, group in enumerate(self.groups):
            cost = math.fsum(self.costs.estimate(path) for path in group.reactors)
            banks[bank_of(group.reactors[0]), cost].append(index)
        return list(banks.values())

    def traffic(self) -> Traffic:
        """What groups send each other."""
        owner = {path: i for i, group in enumerate(self.groups) for path in group.reactors}
        return Traffic(_channels(self.graph, self.flows, owner), len(self.groups))

    def worker_plans(
        self, members: list[list[Group]], machine: Machine | None = None, *, first: int = 0, host: str | None = None
    ) -> tuple[WorkerPlan, ...]:
        """The workers with these groups, numbered from `first` on, on this machine or one host of it."""
        machine = machine or self.machine
        threads = [max((group.threads for group in own), default=1) for own in members]
        cores = deal_cores(machine, [max((group.cores for group in own), default=1) for own in members])
        gpus = iter(gpu.index for gpu in machine.gpus)
        return tuple(
            WorkerPlan(
                index=index,
                reactors=self._reactors(own, index),
                cores=cores[index - first],
                threads=threads[index - first],
                gpus=tuple(next(gpus) for _ in range(sum(group.gpus for group in own))),
                load=self._load(own),
                host=host,
            )
            for index, own in enumerate(members, first)
        )

    def _reactors(self, own: list[Group], index: int) -> tuple[str, ...]:
        """In graph order; what has no reactions takes no time and is with worker 0."""
        busy = {path for group in self.groups for path in group.reactors}
        mine = {path for group in own for path in group.reactors}
        return tuple(p for p in self.graph.reactors if p in mine or (index == 0 and p not in busy))

    def _load(self, own: list[Group]) -> float | None:
        known = [self.costs.known(path) for group in own for path in group.reactors]
        return None if None in known else math.fsum(cost for cost in known if cost is not None)

    def _note_slower(self, placed: tuple[WorkerPlan, ...]) -> None:
        """So many workers were asked for: say so if a tick of fewer is predicted to be shorter."""
        if self.predictor is None:
            return
        fewer = [count for count in self._sensible_counts() if count < len(placed)]
        ticks = {count: self.predictor.tick_seconds(*_layout(self._placed(count))) for count in fewer}
        best = min(fewer, key=lambda count: ticks[count], default=len(placed))
        times = self.predictor.tick_seconds(*_layout(placed)) / ticks.get(best, math.inf)
        if times > _WORTH_A_WORKER:
            self.notes.append(
                f"{_count(len(placed), 'worker')}, as asked: a tick is predicted to take {times:.2f} times as long as "
                f"with {best}"
            )

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


def _layout(workers: Iterable[WorkerPlan]) -> tuple[list[tuple[str, ...]], list[tuple[int, ...]]]:
    """Reactors and cores of every worker."""
    plans = list(workers)
    return [worker.reactors for worker in plans], [worker.cores for worker in plans]


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
