"""What a diagram shows: boxes, arrows and lanes, before anybody decides where on the page they are.

A bank of more than `LONGEST_ROW` reactors is one box, a stack. With a plan every worker is a lane; where more than that
many workers run the same things they share one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from rlreactor.graph import Graph
from rlreactor.planner.cost import busy_reactors
from rlreactor.planner.flows import Flow, flows
from rlreactor.planner.names import bank_of, runs
from rlreactor.planner.phases import recurrent_reactions
from rlreactor.planner.plan import Plan, WorkerPlan
from rlreactor.planner.report import number_ranges
from rlreactor.reactor import class_path
from rlreactor.spec import Spec
from rlreactor.tag import Delay

__all__ = ["LONGEST_ROW", "Arrow", "Box", "Lane", "Picture", "picture"]

LONGEST_ROW = 4

Bank = tuple[str, str]  # path without indices, class


class Box(NamedTuple):
    """One reactor, or the members of a bank in one lane."""

    name: str
    kind: str  # class name
    members: tuple[str, ...]
    lane: int
    column: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def is_stack(self) -> bool:
        """Whether it stands for several reactors."""
        return len(self.members) > 1


class Arrow(NamedTuple):
    """All messages from an output of one box to an input of another after the same delay."""

    source: int
    output: str
    sink: int
    input: str
    delay: Delay
    spec: Spec[object]
    crosses: bool  # from worker to worker
    connections: int  # how many pairs of ports it stands for


class Lane(NamedTuple):
    """The workers that run the same things; none without a plan."""

    workers: tuple[WorkerPlan, ...]

    @property
    def label(self) -> str:
        """`worker 0` or `workers 2-15`."""
        return f"worker{'s' * (len(self.workers) > 1)} {number_ranges([worker.index for worker in self.workers])}"

    @property
    def cores(self) -> str:
        """`core 3` or `cores 2-15`, after the host where there are several."""
        cores = sorted({core for worker in self.workers for core in worker.cores})
        hosts = list(dict.fromkeys(worker.host for worker in self.workers if worker.host is not None))
        where = f"{', '.join(hosts[:2])}{', …' if len(hosts) > 2 else ''}: " if hosts else ""
        return f"{where}core{'s' * (len(cores) != 1)} {number_ranges(cores) or 'any'}"


class Picture(NamedTuple):
    """Everything to be drawn. `columns`: how many levels the boxes are on."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    lanes: tuple[Lane, ...]
    columns: int


def picture(graph: Graph, plan: Plan | None = None) -> Picture:
    """What there is to draw of a topology and, with a plan, of its placement."""
    banks = _banks(graph)
    lanes = _lanes(plan, banks)
    lane_of = {path: i for i, lane in enumerate(lanes) for worker in lane.workers for path in worker.reactors}
    members = _members(banks, lane_of)
    owner = {path: index for index, paths in enumerate(members) for path in paths}
    among = flows(graph)
    columns = _columns(graph)
    sides = _Sides(owner, among)
    boxes = tuple(
        Box(
            name=_name(paths) or type(graph.topology).__name__,
            kind=banks[paths[0]][1],
            members=paths,
            lane=lane_of.get(paths[0], 0),
            column=min(columns[path] for path in paths),
            inputs=tuple(sides.inputs[index]),
            outputs=tuple(sides.outputs[index]),
        )
        for index, paths in enumerate(members)
    )
    arrows = _arrows(graph, among, owner, plan)
    return Picture(class_path(type(graph.topology)), boxes, arrows, lanes, max(columns.values(), default=0) + 1)


def _banks(graph: Graph) -> dict[str, Bank]:
    """Every reactor with reactions → the bank it belongs to."""
    return {path: (bank_of(path), type(graph.reactors[path]).__name__) for path in busy_reactors(graph)}


def _lanes(plan: Plan | None, banks: Mapping[str, Bank]) -> tuple[Lane, ...]:
    if plan is None:
        return (Lane(()),)
    alike: defaultdict[tuple[object, ...], list[WorkerPlan]] = defaultdict(list)
    for worker in plan.workers:
        alike[_equipment(worker, banks)].append(worker)
    shared = [tuple(workers) for workers in alike.values() if len(workers) > LONGEST_ROW]
    in_shared = {worker.index for workers in shared for worker in workers}
    single = [(worker,) for worker in plan.workers if worker.index not in in_shared]
    return tuple(Lane(workers) for workers in sorted(single + shared, key=lambda workers: workers[0].index))


def _equipment(worker: WorkerPlan, banks: Mapping[str, Bank]) -> tuple[object, ...]:
    runs = tuple(banks[path] for path in worker.reactors if path in banks)
    return runs, worker.threads, len(worker.gpus)


def _members(banks: Mapping[str, Bank], lane_of: Mapping[str, int]) -> list[tuple[str, ...]]:
    sizes: defaultdict[Bank, int] = defaultdict(int)
    for bank in banks.values():
        sizes[bank] += 1
    members: defaultdict[tuple[object, ...], list[str]] = defaultdict(list)
    for path, bank in banks.items():
        members[(bank, lane_of.get(path)) if sizes[bank] > LONGEST_ROW else (path,)].append(path)
    return [tuple(paths) for paths in members.values()]


def _name(paths: tuple[str, ...]) -> str:
    """A stack by its first neighbours; the tooltip lists the rest."""
    first = runs(paths)[0]
    return str(first) + (f" + {len(paths) - first.size}" if first.size < len(paths) else "")


def _columns(graph: Graph) -> dict[str, int]:
    """Reactor → how many levels come before the first at which it works again and again."""
    levels: dict[str, int] = {}
    for node in recurrent_reactions(graph):
        levels[node.reactor] = min(node.level, levels.get(node.reactor, node.level))
    used = sorted(set(levels.values()))
    return {path: used.index(level) for path, level in levels.items()}


class _Sides:
    """The ports of every box, in the order in which they are used."""

    def __init__(self, owner: Mapping[str, int], among: tuple[Flow, ...]) -> None:
        self.inputs: defaultdict[int, dict[str, None]] = defaultdict(dict)
        self.outputs: defaultdict[int, dict[str, None]] = defaultdict(dict)
        for flow in among:
            self.outputs[owner[flow.writer]][_port(flow.source, flow.writer)] = None
            self.inputs[owner[flow.reader]][_port(flow.sink, flow.reader)] = None


def _port(path: str, reactor: str) -> str:
    """A port as its box calls it, without indices: a stack and a multiport have one row each."""
    inside = path.removeprefix(f"{reactor}.") if reactor else path
    return bank_of(inside).replace("[]", "[*]")


def _arrows(graph: Graph, among: tuple[Flow, ...], owner: Mapping[str, int], plan: Plan | None) -> tuple[Arrow, ...]:
    counts: defaultdict[Arrow, int] = defaultdict(int)
    for flow in among:
        crosses = plan is not None and plan.worker_of(flow.writer) != plan.worker_of(flow.reader)
        source, sink = owner[flow.writer], owner[flow.reader]
        spec = graph.ports[flow.source].spec
        ends = (source, _port(flow.source, flow.writer), sink, _port(flow.sink, flow.reader))
        counts[Arrow(*ends, flow.delay, spec, crosses, 0)] += 1
    return tuple(arrow._replace(connections=count) for arrow, count in counts.items())
