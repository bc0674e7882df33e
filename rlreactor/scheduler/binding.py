"""A worker's share of a graph, bound: cells behind ports, methods behind reactions, targets behind outputs.

Everything that can be known before the run is looked up here, once, so that setting a port at run time is an
assignment and a loop over a tuple of ranks.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from rlreactor.access import Cell
from rlreactor.action import Action
from rlreactor.execution import Execution
from rlreactor.graph import PHYSICAL, Graph, ReactionNode
from rlreactor.mode import Mode
from rlreactor.reactions import BoundReaction
from rlreactor.reactor import Reactor
from rlreactor.scheduler.modes import Modes, scope_of
from rlreactor.scheduler.outlet import CellGroup, Outlet
from rlreactor.scheduler.queue import EventQueue, Target
from rlreactor.scheduler.recorder import PortRecorder
from rlreactor.scheduler.steady import TimerTarget
from rlreactor.spec import Spec
from rlreactor.state_field import StateField
from rlreactor.storage import Objects, Storage, heap
from rlreactor.tag import NO_DELAY, Delay, Tag
from rlreactor.timer import Timer

__all__ = ["Binding", "Nothing", "root_ports"]


_UNRECORDED = {"fingerprint": False, "trace": False, "history": False}


class CellKey(NamedTuple):
    """What one cell stands for: a root port after a delay, within a mode where the whole way lies in it."""

    root: str
    delay: Delay
    scope: str = ""


class LifecycleTarget:
    """`startup` or `shutdown` on this worker."""

    def __init__(self, ranks: tuple[int, ...]) -> None:
        self.ranks = ranks

    def fire(self, stored: Any, execution: Execution) -> None:
        """Nothing but what it triggers."""


class Replayed:
    """A physical action whose events come from a recording, with the tags at which they fired: no mode delays them."""

    def __init__(self, action: Action[Any]) -> None:
        self._action = action

    @property
    def ranks(self) -> tuple[int, ...]:
        """The reactions that it triggers."""
        return self._action.ranks

    def fire(self, stored: Any, execution: Execution) -> None:
        """It fires as it did."""
        self._action.fire(stored, execution)


class Nothing:
    """What happens at the end of a replay: as long as it is queued, nobody takes the program to have run dry."""

    ranks: tuple[int, ...] = ()

    def fire(self, stored: Any, execution: Execution) -> None:
        """Nothing."""


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
        self.cells: dict[CellKey, Cell] = {}  # what local readers see
        self.groups: dict[CellKey, CellGroup] = {}  # of those, what is fed from this worker, with a delay
        self.timers: dict[str, TimerTarget] = {}
        self.held: set[CellKey] = set()
        self.triggers: defaultdict[int, list[Cell]] = defaultdict(list)  # ports and actions that trigger a reaction
        ordered = [graph.reactors[path] for path in graph.reactors if path in self.local]
        self.modes = Modes(ordered, self.queue, self.execution)
        self._storage = storage
        self._options = {"fingerprint": fingerprint, "trace": trace, "history": history}
        self._bind_reactors()
        self._bind_reactions()
        self._bind_ports()
        self._bind_events()
        for cell in [*self.cells.values(), *(action._cell for action in graph.actions.values())]:
            for rank in cell.ranks:
                self.triggers[rank].append(cell)
        if self.modes.scopes:
            self._bind_modes()

    def _bind_reactors(self) -> None:
        for path in self.local:
            reactor = self.graph.reactors[path]
            reactor._execution = self.execution
            reactor._generator = None
            for name, field in type(reactor)._declaration.states.items():
                setattr(reactor, name, field.initial())
            if reactor.composes or not path:  # its `__dict__` has been looked at: see `composes`
                object.__setattr__(reactor, "__dict__", {**vars(reactor)})

    def _bind_reactions(self) -> None:
        for node in self.nodes:
            reactor = self.graph.reactors[node.reactor]
            method = getattr(reactor, node.signature.name)
            late = getattr(reactor, node.signature.late) if node.signature.late else None
            self.reactions[node.rank] = BoundReaction(
                node.path, node.rank, method, node.where, node.signature.deadline, late, node.may_stop
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
        for path, port in self.graph.ports.items():
            if not (path in readers or path in writers):
                if port.owner is not None and port.owner.path in self.local:  # unused: it only knows whom to refuse
                    port._attach(Cell(), self.execution, frozenset(), frozenset(), Objects(port.spec))
                continue
            key = self._key(path, *roots.get(path, (path, NO_DELAY)))
            cell = self.cells.setdefault(key, Cell())
            cell.ranks = tuple(sorted({*cell.ranks, *triggered[path]}))
            if port.hold:
                self.held.add(key)
            written, read = frozenset(writers[path]), frozenset(readers[path])
            storage = self._storage_of(path, port.spec) if written else Objects(port.spec)
            port._attach(cell, self.execution, read | written, written, storage)
            if written:
                options = self._options if port.recorded else _UNRECORDED
                recorder = PortRecorder(path, port.spec, indices[path], storage, **options)
                outlet = Outlet(path, port.spec, indices[path], last_writer[path], cell, storage, recorder)
                cell.outlet = self.outlets[path] = outlet
        for path, outlet in self.outlets.items():
            outlet.delayed = tuple(
                (key.delay, self._delayed_group(key, cell))
                for key, cell in self.cells.items()
                if key.root == path and key.delay != NO_DELAY
            )

    def _storage_of(self, path: str, spec: Spec[Any]) -> Storage:
        return heap(spec) if self._storage is None else self._storage(path)

    def _key(self, sink: str, root: str, delay: Delay) -> CellKey:
        """A delay that begins and ends in one mode stands still with it; every other goes on."""
        if delay == NO_DELAY or not self.modes.scopes:
            return CellKey(root, delay)
        ends = [scope_of(port.owner, None) for port in (self.graph.ports[sink], self.graph.ports[root]) if port.owner]
        return CellKey(root, delay, ends[0] if ends[0] == ends[1] else "")

    def _delayed_group(self, key: CellKey, cell: Cell) -> CellGroup:
        group = self.groups[key] = CellGroup(cell, key.delay.physical)
        self.modes.add_target(key.scope, group)
        return group

    def _bind_modes(self) -> None:
        """Sort reactions, timers, actions and fields into the modes they belong to."""
        writers = self._by_element("effects")
        for node in self.nodes:
            scope = self.modes.scopes.get(scope_of(self.graph.reactors[node.reactor], node.signature.mode))
            if scope is not None:
                scope.ranks.add(node.rank)
                if "startup" in node.triggers:
                    scope.startup.add(node.rank)
                if "shutdown" in node.triggers:
                    scope.shutdown.add(node.rank)
        for action in self.graph.actions.values():
            if action.owner is not None and action.owner.path in self.local:
                self.modes.add_target(scope_of(action.owner, _mode_name(action)), action)
        for scope in self.modes.scopes.values():
            scope.mode._attach(self.execution, frozenset(writers[scope.mode.path]))
        for path in self.local:
            self._bind_resets(self.graph.reactors[path])
        self.modes.start()

    def _bind_resets(self, reactor: Reactor) -> None:
        for name, field in type(reactor)._declaration.states.items():
            mode = field.reset.name if isinstance(field.reset, Mode) else None
            scope = self.modes.scopes.get(scope_of(reactor, mode)) if field.reset else None
            if scope is not None:
                scope.resets.append(functools.partial(_reset, reactor, name, field))

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
                target = self.timers[path] = TimerTarget(path, tuple(sorted(triggered[path])), period, self.queue)
                self.queue.push(Tag(int(timer.offset), 0), target)
                assert timer.owner is not None
                self.modes.add_target(scope_of(timer.owner, _mode_name(timer)), target, int(timer.offset))
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

    def reachable(self, targets: Iterable[Target]) -> set[int]:
        """The reactions that can run at a tag at which `targets` fire.

        What other workers send, with or without delay, may still arrive when the tag has begun.
        """
        arriving = [cell for key, cell in self.cells.items() if key.root not in self.outlets]
        left = {rank for ranks in (*(t.ranks for t in targets), *(c.ranks for c in arriving)) for rank in ranks}
        found: set[int] = set()
        while left:
            rank = left.pop()
            found.add(rank)
            set_ = (self.outlets[path] for path in self.graph.reactions[rank].effects if path in self.outlets)
            left |= {rank for outlet in set_ for rank in outlet.cell.ranks} - found
        return found

    def physical_targets(self) -> dict[str, Target]:
        """Where events from outside happen on this worker: actions and physically connected ports, by path."""
        found: dict[str, Target] = {}
        for path, action in self.graph.actions.items():
            if action.kind == PHYSICAL and action.owner is not None and action.owner.path in self.local:
                found[path] = Replayed(action)
        for key, cell in self.cells.items():
            if key.delay.physical:
                found[key.delay.physical] = CellGroup(cell, key.delay.physical)
        return found

    def states(self) -> dict[str, dict[str, Any]]:
        """The state fields of every local reactor, by path."""
        return {
            path: {name: getattr(reactor, name) for name in type(reactor)._declaration.states}
            for path in sorted(self.local)
            for reactor in [self.graph.reactors[path]]
        }


def _mode_name(element: Timer | Action[Any]) -> str | None:
    return None if element.mode is None else element.mode.name


def _reset(reactor: Reactor, name: str, field: StateField) -> None:
    setattr(reactor, name, field.initial())


def _touched(node: ReactionNode, roles: tuple[str, ...]) -> Iterable[str]:
    return (path for role in roles for path in getattr(node, role))
