"""A worker's share of a graph, bound: cells behind ports, methods behind reactions, targets behind outputs.

Everything that can be known before the run is looked up here, once, so that setting a port at run time is an
assignment and a loop over a tuple of ranks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from rlreactor.execution import Cell, Execution
from rlreactor.graph import PHYSICAL, Graph, ReactionNode
from rlreactor.port import Heap, Storage
from rlreactor.reactions import BoundReaction
from rlreactor.scheduler.queue import EventQueue, Target
from rlreactor.scheduler.recorder import PortRecorder
from rlreactor.tag import NO_DELAY, Delay, Tag

__all__ = ["Binding", "CellGroup", "Outlet", "TimerTarget", "root_ports"]


class CellGroup:
    """The cell that one root feeds after one delay. `path` names a physical connection in recordings."""

    def __init__(self, cell: Cell, path: str) -> None:
        self.cell = cell
        self.path = path

    def fire(self, stored: Any, execution: Execution) -> None:
        """A value arrives."""
        if self.path and execution.record is not None:
            execution.record(self.path, stored)
        self.cell.assign(stored, execution)


class Outlet:
    """Where the value of a root port goes at the end of the reaction or the tag."""

    def __init__(self, index: int, last_writer: int, recorder: PortRecorder) -> None:
        self.index = index
        self.last_writer = last_writer  # rank of the last reaction that may set the port
        self.recorder = recorder
        self.delayed: tuple[tuple[Delay, CellGroup], ...] = ()
        self.remote: tuple[int, ...] = ()  # workers that read the port
        self.sent = False


class TimerTarget:
    """A timer: triggers its reactions and queues itself again."""

    def __init__(self, ranks: tuple[int, ...], period: int | None, queue: EventQueue) -> None:
        self._ranks = ranks
        self._period = period
        self._queue = queue

    def fire(self, stored: Any, execution: Execution) -> None:
        """Trigger at the current tag."""
        if self._period is not None:
            self._queue.push(Tag(execution.tag.time + self._period, 0), self)
        for rank in self._ranks:
            execution.trigger(rank)


class LifecycleTarget:
    """`startup` or `shutdown` on this worker."""

    def __init__(self, ranks: tuple[int, ...]) -> None:
        self._ranks = ranks

    def fire(self, stored: Any, execution: Execution) -> None:
        """Trigger at the current tag."""
        for rank in self._ranks:
            execution.trigger(rank)


def root_ports(graph: Graph) -> tuple[str, ...]:
    """The ports that reactions set, in the order in which they are set within a tag: their index on every worker."""
    return tuple(dict.fromkeys(e for r in graph.reactions for e in r.effects if e in graph.ports))


class Binding:
    """The local part of `graph` on one worker.

    Args:
        graph: the whole, checked topology.
        local: paths of the reactors on this worker.
        storage: makes the storage of a port that other workers read; by default every port lives on the heap.
    """

    def __init__(
        self,
        graph: Graph,
        local: Iterable[str],
        *,
        seed: int = 0,
        fingerprint: bool = True,
        trace: bool = False,
        history: bool = False,
        storage: Callable[[str], Storage] | None = None,
    ) -> None:
        self.graph = graph
        self.local = frozenset(local)
        self.queue = EventQueue()
        self.execution = Execution(len(graph.reactions))
        self.execution.seed = seed
        self.nodes = [n for n in graph.reactions if n.reactor in self.local]
        self.reactions: list[BoundReaction | None] = [None] * len(graph.reactions)
        self.outlets: dict[str, Outlet] = {}
        self.cells: dict[tuple[str, Delay], Cell] = {}  # (root, delay) → what local readers see
        self.held: set[tuple[str, Delay]] = set()
        self._storage = storage
        self._options = {"fingerprint": fingerprint, "trace": trace, "history": history}
        self._bind_reactors()
        self._bind_reactions()
        self._bind_ports()
        self._bind_events()

    def _bind_reactors(self) -> None:
        for path in self.local:
            reactor = self.graph.reactors[path]
            reactor._execution = self.execution
            reactor._generator = None
            for name, field in type(reactor)._declaration.states.items():
                setattr(reactor, name, field.initial())

    def _bind_reactions(self) -> None:
        for node in self.nodes:
            reactor = self.graph.reactors[node.reactor]
            method = getattr(reactor, node.signature.name)
            late = getattr(reactor, node.signature.late) if node.signature.late else None
            self.reactions[node.rank] = BoundReaction(
                node.path, node.rank, method, node.where, node.signature.deadline, late
            )

    def _bind_ports(self) -> None:
        readers = self._by_element("triggers", "reads")
        writers = self._by_element("effects")
        triggered = self._ranks("triggers")
        roots = {e.sink: (e.source, e.delay) for e in self.graph.edges}
        indices = {path: i for i, path in enumerate(root_ports(self.graph))}
        last_writer: dict[str, int] = {}
        for node in self.graph.reactions:
            last_writer.update(dict.fromkeys(node.effects, node.rank))
        for path in [p for p in self.graph.ports if p in readers or p in writers]:
            port = self.graph.ports[path]
            key = roots.get(path, (path, NO_DELAY))
            cell = self.cells.setdefault(key, Cell())
            cell.ranks = tuple(sorted({*cell.ranks, *triggered[path]}))
            if port.hold:
                self.held.add(key)
            written, read = frozenset(writers[path]), frozenset(readers[path])
            storage = self._storage(path) if self._storage and written else Heap(port.spec)
            port._attach(cell, self.execution, read | written, written, storage)
            if written:
                recorder = PortRecorder(path, port.spec, indices[path], **self._options)
                port.outlet = self.outlets[path] = Outlet(indices[path], last_writer[path], recorder)
        for path, outlet in self.outlets.items():
            outlet.delayed = tuple(
                (delay, CellGroup(cell, delay.physical))
                for (root, delay), cell in self.cells.items()
                if root == path and delay != NO_DELAY
            )

    def _bind_events(self) -> None:
        triggered = self._ranks("triggers")
        readers, writers = self._by_element("triggers", "reads"), self._by_element("effects")
        for path, action in self.graph.actions.items():
            cell = Cell()
            cell.ranks = tuple(sorted(triggered[path]))
            action._attach(cell, self.execution, frozenset(readers[path]), frozenset(writers[path]))
        self.startup = LifecycleTarget(tuple(sorted(triggered["startup"])))
        self.shutdown = LifecycleTarget(tuple(sorted(triggered["shutdown"])))
        for path, timer in self.graph.timers.items():
            if triggered[path]:
                period = int(timer.period) if timer.period else None
                target = TimerTarget(tuple(sorted(triggered[path])), period, self.queue)
                self.queue.push(Tag(int(timer.offset), 0), target)
        self.queue.push(Tag(0, 0), self.startup)

    def _ranks(self, *roles: str) -> defaultdict[str, set[int]]:
        found: defaultdict[str, set[int]] = defaultdict(set)
        for node in self.nodes:
            for path in _touched(node, roles):
                found[path].add(node.rank)
        return found

    def _by_element(self, *roles: str) -> defaultdict[str, set[BoundReaction]]:
        found: defaultdict[str, set[BoundReaction]] = defaultdict(set)
        for node in self.nodes:
            reaction = self.reactions[node.rank]
            assert reaction is not None
            for path in _touched(node, roles):
                found[path].add(reaction)
        return found

    def physical_targets(self) -> dict[str, Target]:
        """Where events from outside happen on this worker: actions and physically connected ports, by path."""
        found: dict[str, Target] = {}
        for path, action in self.graph.actions.items():
            if action.kind == PHYSICAL and action.owner is not None and action.owner.path in self.local:
                found[path] = action
        for (_, delay), cell in self.cells.items():
            if delay.physical:
                found[delay.physical] = CellGroup(cell, delay.physical)
        return found

    def states(self) -> dict[str, dict[str, Any]]:
        """The state fields of every local reactor, by path."""
        return {
            path: {name: getattr(reactor, name) for name in type(reactor)._declaration.states}
            for path in sorted(self.local)
            for reactor in [self.graph.reactors[path]]
        }


def _touched(node: ReactionNode, roles: tuple[str, ...]) -> Iterable[str]:
    return (path for role in roles for path in getattr(node, role))
