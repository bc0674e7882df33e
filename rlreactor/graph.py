"""The flattened, checked graph of a topology: reactions in order, ports with their roots, every violation at once.

Hierarchy, banks and chains of connections are gone here. What is left: each port that a reaction reads has one *root*,
the port that reactions write, and a delay between the two; each reaction has a level (longest path over zero-delay
dependencies) and a rank, its place in the one order that every worker follows within a tag.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any, NamedTuple

from rlreactor.action import Action
from rlreactor.connection import Broadcast, Connection
from rlreactor.dynamic import is_a
from rlreactor.errors import SpecError, TopologyError, did_you_mean
from rlreactor.lifecycle import Lifecycle, shutdown
from rlreactor.mode import Mode
from rlreactor.physical_action import PhysicalAction
from rlreactor.port import Element, Input, MultiPort, Output, Port
from rlreactor.reactor import ReactionSignature, Reactor, class_path
from rlreactor.source import Location
from rlreactor.tag import NO_DELAY, Delay
from rlreactor.timer import Timer

__all__ = ["Edge", "Graph", "Placing", "ReactionNode", "check"]


PHYSICAL = PhysicalAction.kind


class ReactionNode(NamedTuple):
    """A reaction with everything it touches, by path."""

    path: str
    reactor: str
    rank: int
    level: int
    triggers: tuple[str, ...]
    reads: tuple[str, ...]
    effects: tuple[str, ...]
    may_stop: bool
    where: Location
    signature: ReactionSignature


class Edge(NamedTuple):
    """From a port that reactions write to a port that reactions read."""

    source: str
    sink: str
    delay: Delay


class Placing(NamedTuple):
    """What the planner was told about one reactor."""

    cost: float | None = None
    threads: int = 1
    gpu: int = 0
    with_: str | None = None
    host: str | None = None
    cores: int | None = None  # of its worker, where it is not as many as threads
    within: str | None = None  # path of the reactor in one of whose modes it is


class Graph(NamedTuple):
    """A topology that obeys the rules."""

    topology: Reactor
    reactors: dict[str, Reactor]  # by path, containers before what they contain
    ports: dict[str, Port[Any]]
    timers: dict[str, Timer]
    actions: dict[str, Action[Any]]
    reactions: tuple[ReactionNode, ...]  # by rank
    edges: tuple[Edge, ...]
    placing: dict[str, Placing]

    @property
    def keepalive(self) -> bool:
        """Whether something outside may send events, so that running dry is no reason to stop."""
        return any(action.kind == PHYSICAL for action in self.actions.values())

    @property
    def levels(self) -> int:
        """How many levels the reactions have."""
        return max((r.level for r in self.reactions), default=-1) + 1

    def __str__(self) -> str:
        lines = [f"{class_path(type(self.topology))}: {len(self.reactors)} reactors, {len(self.reactions)} reactions, "
                 f"{len(self.edges)} edges, {self.levels} levels"]  # fmt: skip
        lines += [f"  level {r.level}  {r.path}  ({r.where})" for r in self.reactions]
        lines += [f"  {e.source} -> {e.sink}{_delay_text(e.delay)}" for e in self.edges]
        return "\n".join(lines)


class _Writer(NamedTuple):
    """What gives a port its value: a connection."""

    source: Port[Any]
    delay: Delay
    where: Location


def check(topology: Reactor, *, fast: bool = False) -> Graph:
    """Flatten a topology and check it against every rule; with `fast`, also that it can run in fast mode.

    Raises TopologyError with all violations: specs, widths, directions, second writers, cycles, references.
    """
    return _Check(topology).graph(fast)


class _Check:
    """One pass over a topology; each step adds what it finds to `violations` and leaves the rest to go on."""

    def __init__(self, topology: Reactor) -> None:
        self.topology = _instance(topology)
        self.violations: list[str] = []
        self.reactors: dict[str, Reactor] = {}
        self.ports: dict[str, Port[Any]] = {}
        self.timers: dict[str, Timer] = {}
        self.actions: dict[str, Action[Any]] = {}
        self.incoming: dict[int, _Writer] = {}
        self.writers: dict[int, list[str]] = {}  # port id → paths of the reactions that set it
        self.placing: dict[str, Placing] = {}
        self.references: dict[str, dict[str, list[Element]]] = {}
        self.nodes: list[tuple[str, Reactor, ReactionSignature]] = []

    def graph(self, fast: bool) -> Graph:
        self._collect(self.topology)
        for reactor in self.reactors.values():
            for connection in reactor._connections:
                self._connect(reactor, connection)
            self._resolve_reactions(reactor)
            self._resolve_placements(reactor)
            self._check_modes(reactor)
        self._check_second_writers()
        if fast:
            self._check_physical()
        roots = self._roots()
        order = self._order(roots)
        if self.violations:
            raise TopologyError(dict.fromkeys(self.violations))
        return Graph(
            self.topology, self.reactors, self.ports, self.timers, self.actions,
            self._ranked(order), self._edges(roots), self.placing,
        )  # fmt: skip

    # Reactors and their elements

    def _collect(self, reactor: Reactor) -> None:
        self.reactors[reactor.path] = reactor
        self._check_names(reactor)
        for element in self._elements(reactor):
            self._resolve(reactor, element)
        for orphan in reactor._orphans:
            self.violations.append(
                f"{type(orphan).__name__} made at {orphan._where} belongs to nobody: assign it to an attribute of "
                f"{self._name(reactor)} in compose()"
            )
        for child in reactor.children:
            self._collect(child)

    def _check_names(self, reactor: Reactor) -> None:
        for name, child in reactor._named_children():
            if child._parent is not reactor or child._name != name:
                owner = f"{self._name(child._parent)}.{child._name}" if child._parent else "another topology"
                self.violations.append(
                    f"{self._name(reactor)}.{name} is the same reactor as {owner}; a reactor has one place: "
                    f"make a second one (made at {child._where})"
                )

    def _elements(self, reactor: Reactor) -> Iterator[Element]:
        for name in type(reactor)._declaration.elements:
            element = reactor.__dict__.get(name)
            if isinstance(element, MultiPort):
                yield from element.channels
            elif isinstance(element, Element):
                yield element

    def _resolve(self, reactor: Reactor, element: Element) -> None:
        try:
            if isinstance(element, Port):
                element.spec = element.spec.resolved(reactor.parameters)
                self.ports[element.path] = element
            elif isinstance(element, Timer):
                element.offset = self._duration(reactor, element.offset) or 0
                element.period = self._duration(reactor, element.period, or_none=True) or None
                self.timers[element.path] = element
            elif isinstance(element, Action):
                element.spec = element.spec.resolved(reactor.parameters)
                element.min_delay = self._duration(reactor, element.min_delay) or 0
                element.min_spacing = self._duration(reactor, element.min_spacing, or_none=True)
                self.actions[element.path] = element
        except SpecError as error:
            self.violations.append(f"{element.kind} {element.path} ({element.where}): {error}")

    def _duration(self, reactor: Reactor, given: Any, *, or_none: bool = False) -> int | None:
        value = reactor.parameters.get(given, given) if isinstance(given, str) else given
        if value is None and or_none:
            return None
        if type(value) is not int or value < 0:
            hint = f"; {did_you_mean(given, reactor.parameters)}" if isinstance(given, str) else ""
            raise SpecError(
                f"expected a duration of 0 ns or more (an int: ms(5), sec(1)) or the name of such a parameter, "
                f"received {value!r}{hint}"
            )
        return int(value)

    def _name(self, reactor: Reactor | None) -> str:
        if reactor is None or reactor is self.topology:
            return type(self.topology).__name__
        return reactor.path

    # Connections

    def _connect(self, container: Reactor, connection: Connection) -> None:
        at = f"connect at {connection.where}"
        if not self._endpoints_are_ports(connection, at) or not self._delay_is_valid(connection, at):
            return
        problem = self._direction_problem(container, connection)
        if problem:
            self.violations.append(f"{at}: {problem}")
            return
        for source, sink in self._paired(connection, at):
            self._connect_pair(source, sink, connection, at)

    def _endpoints_are_ports(self, connection: Connection, at: str) -> bool:
        wrong = [e for e in connection.sources + connection.sinks if not isinstance(e, Port)]
        for endpoint in wrong[:1]:
            ports = ", ".join(endpoint._declaration.elements) if isinstance(endpoint, Reactor) else ""
            hint = f"; name one of its ports: {ports}" if ports else ""
            self.violations.append(f"{at}: expected ports or lists of ports, received {endpoint!r}{hint}")
        return not wrong

    def _delay_is_valid(self, connection: Connection, at: str) -> bool:
        after = connection.after
        if after is None or (type(after) is int and after >= 0):
            return True
        self.violations.append(
            f"{at}: after: expected None or ns as an int of 0 or more (ms(5), TICK), received {after!r}"
        )
        return False

    def _paired(self, connection: Connection, at: str) -> list[tuple[Port[Any], Port[Any]]]:
        sources, sinks = connection.sources, connection.sinks
        repeated = isinstance(connection.source_given, Broadcast | Port)
        if len(sources) == len(sinks):
            return list(zip(sources, sinks, strict=True))
        if repeated and sources and len(sinks) % len(sources) == 0:
            return [(sources[i % len(sources)], sink) for i, sink in enumerate(sinks)]
        hint = "widths must be equal"
        if len(sources) > 1 and len(sinks) == 1:
            hint = "an input has one writer; declare it as Inputs(..., width=...) to receive from many"
        elif sources and len(sinks) % len(sources) == 0:
            hint = "widths must be equal; broadcast(...) repeats the source"
        self.violations.append(
            f"{at}: {len(sources)} sources ({_listed(sources)}) for {len(sinks)} sinks ({_listed(sinks)}); {hint}"
        )
        return []

    def _direction_problem(self, container: Reactor, connection: Connection) -> str | None:
        sources, sinks = connection.sources, connection.sinks
        for port in (*sources, *sinks):
            if port.owner is not container and getattr(port.owner, "_parent", None) is not container:
                return (
                    f"{port.kind} {port.path} belongs neither to {self._name(container)} nor to a reactor directly "
                    "inside it; connect through the ports of the reactor that contains it"
                )
        gives = all(isinstance(p, Input if p.owner is container else Output) for p in sources)
        takes = all(isinstance(p, Output if p.owner is container else Input) for p in sinks)
        if gives and takes:
            return None
        given = f"{_kinds('source', sources)} and {_kinds('sink', sinks)}"
        if not gives and not takes:
            return f"{given}: reversed; swap the two arguments: connect({_listed(sinks)}, {_listed(sources)})"
        return f"{given}; connect takes outputs of some reactors to inputs of others{self._offers(sources, sinks)}"

    def _offers(self, sources: list[Port[Any]], sinks: list[Port[Any]]) -> str:
        """What the reactor at the wrong end has instead."""
        wrong = next((p for p in sinks if isinstance(p, Output)), None)
        kind: type[Port[Any]] = Input if wrong is not None else Output
        port = wrong or next((p for p in sources if isinstance(p, Input)), None)
        if port is None or port.owner is None:
            return ""
        names = [e.name for e in self._elements(port.owner) if isinstance(e, kind)]
        return f"; {kind.kind}s of {self._name(port.owner)}: {', '.join(names) or 'none'}"

    def _connect_pair(self, source: Port[Any], sink: Port[Any], connection: Connection, at: str) -> None:
        if source.spec != sink.spec:
            self.violations.append(
                f"{at}: {source.path} sends {source.spec} ({source.where}) but {sink.path} expects {sink.spec} "
                f"({sink.where}); {_same_spec_hint(source, sink)}"
            )
        earlier = self.incoming.get(id(sink))
        if earlier is not None:
            self.violations.append(
                f"{at}: {sink.path} already receives from {earlier.source.path} (connected at {earlier.where}), now "
                f"also from {source.path}; an input has one writer: use Inputs(..., width=2) or another port"
            )
            return
        delay = Delay.of(connection.after, sink.path if connection.physical else "")
        self.incoming[id(sink)] = _Writer(source, delay, connection.where)

    # Reactions

    def _resolve_reactions(self, reactor: Reactor) -> None:
        for signature in type(reactor)._declaration.reactions:
            path = f"{reactor.path}.{signature.name}" if reactor.path else signature.name
            resolved: dict[str, list[Element]] = {}
            for role in ("triggers", "reads", "effects"):
                references = [r for r in getattr(signature, role) if not isinstance(r, Lifecycle)]
                resolved[role] = [e for r in references for e in self._find(reactor, r, path, signature)]
                for element in resolved[role]:
                    self._check_role(reactor, element, role, path, signature)
            self.references[path] = resolved
            self.nodes.append((path, reactor, signature))
            for element in resolved["effects"]:
                if is_a(element, Port):
                    self.writers.setdefault(id(element), []).append(path)

    def _find(self, reactor: Reactor, reference: str, path: str, signature: ReactionSignature) -> Iterator[Element]:
        element = reactor.__dict__.get(reference)
        if isinstance(element, Element):
            yield from _channels(element)
            return
        known = {_relative(e.path, reactor.path): e for r in [reactor, *reactor.children] for e in self._elements(r)}
        pattern = _pattern(reference)
        matches = [e for name, e in known.items() if pattern.match(name)]
        if not matches:
            self.violations.append(
                f"reaction {path} ({signature.where}) names {reference!r}, which {self._name(reactor)} does not have; "
                f"{did_you_mean(reference, known)}"
            )
        yield from matches

    def _check_role(
        self, reactor: Reactor, element: Element, role: str, path: str, signature: ReactionSignature
    ) -> None:
        own = element.owner is reactor
        problem = None
        if isinstance(element, Mode):
            if role != "effects" or not own:
                problem = f"mode {element.path} can only be an effect, of a reaction of its own reactor"
        elif role == "effects":
            if isinstance(element, Timer) or (own and isinstance(element, Input)):
                problem = (
                    f"{element.kind} {element.path} cannot be an effect; effects are outputs, actions and shutdown"
                )
            elif not own and not isinstance(element, Input):
                problem = (
                    f"{element.kind} {element.path} cannot be an effect: of a contained reactor only inputs can be set"
                )
        elif role == "triggers" and own and isinstance(element, Output):
            problem = (
                f"output {element.path} cannot trigger a reaction of its own reactor; "
                "a reaction that reads it back lists it in reads"
            )
        elif not own and not isinstance(element, Output):
            problem = f"{element.kind} {element.path} cannot be read: of a contained reactor only outputs can"
        if problem:
            self.violations.append(f"reaction {path} ({signature.where}): {problem}")

    def _check_physical(self) -> None:
        physical = [f"physical action {a.path} ({a.where})" for a in self.actions.values() if a.kind == PHYSICAL]
        physical += [f"connect at {w.where} (physical=True)" for w in self.incoming.values() if w.delay.physical]
        for place in dict.fromkeys(physical):
            self.violations.append(
                f"{place}: its tags come from the wall clock, and fast mode (the default) has none; run with fast=False"
            )

    def _check_second_writers(self) -> None:
        for port in self.ports.values():
            incoming, reactions = self.incoming.get(id(port)), self.writers.get(id(port))
            if incoming is not None and reactions:
                self.violations.append(
                    f"{port.path} ({port.where}) has two writers: {incoming.source.path} (connected at "
                    f"{incoming.where}) and reaction {reactions[0]}; remove one, or use a second port"
                )

    def _resolve_placements(self, reactor: Reactor) -> None:
        for placement in reactor._placements:
            for target in placement.reactors:
                if getattr(target, "_parent", None) is not reactor:
                    self.violations.append(
                        f"place at {placement.where}: expected reactors inside {self._name(reactor)}, "
                        f"received {target!r}"
                    )
                    continue
                self.placing[target.path] = Placing(*placement[1:6])

    def _check_modes(self, reactor: Reactor) -> None:
        modes = [e for e in self._elements(reactor) if isinstance(e, Mode)]
        initial = [mode.name for mode in modes if mode.initial]
        if modes and len(initial) != 1:
            self.violations.append(
                f"{self._name(reactor)} has modes {', '.join(m.name for m in modes)} ({modes[0].where}), of which "
                f"{len(initial)} are initial; declare exactly one with Mode(initial=True)"
            )
        for element in self._elements(reactor):
            mode = element.mode if isinstance(element, Timer | Action) else None
            if mode is not None and type(reactor)._declaration.elements.get(mode.name) is not mode:
                self.violations.append(
                    f"{element.kind} {element.path} ({element.where}): mode={mode} is no mode of {self._name(reactor)}"
                )
        for name, field in type(reactor)._declaration.states.items():
            mode = field.reset if isinstance(field.reset, Mode) else None
            if mode is not None and type(reactor)._declaration.elements.get(mode.name) is not mode:
                self.violations.append(
                    f"state {name} of {self._name(reactor)} ({field.where}): reset={mode} is no mode of it"
                )
        contained = [(child, mode) for mode in modes for child in mode.contained]
        for child, mode in contained:
            others = [other.name for inside, other in contained if inside is child and other is not mode]
            if others:
                self.violations.append(
                    f"{self._name(child)} is in modes {', '.join(sorted([mode.name, *others]))} of "
                    f"{self._name(reactor)}; a reactor is in one mode: make one for each"
                )
            if child._parent is not reactor:
                self.violations.append(
                    f"mode {mode.path} ({mode.where}) contains {child!r}, which is not directly inside "
                    f"{self._name(reactor)}; a mode takes reactors of its own reactor"
                )
            else:  # one scheduler carries out a switch: what is in a mode lives with its reactor
                self._keep_together(child, reactor.path)

    def _keep_together(self, reactor: Reactor, path: str) -> None:
        if type(reactor)._declaration.reactions:  # the others live nowhere in particular
            placing = self.placing.get(reactor.path, Placing())
            self.placing[reactor.path] = placing._replace(within=path)
        for child in reactor.children:
            self._keep_together(child, path)

    # Roots and order

    def _root(self, port: Port[Any]) -> tuple[Port[Any], Delay] | None:
        """The port that reactions write and the delay from there; None for a port that nothing feeds."""
        delay, seen = NO_DELAY, {id(port)}
        while (writer := self.incoming.get(id(port))) is not None:
            port, delay = writer.source, writer.delay.then(delay)
            if id(port) in seen:
                self.violations.append(
                    f"connect at {writer.where}: {port.path} is connected to itself in a circle; nothing ever sets it"
                )
                return None
            seen.add(id(port))
        return port, delay

    def _roots(self) -> dict[str, tuple[Port[Any], Delay]]:
        """For every port that some reaction reads: its root."""
        roots: dict[str, tuple[Port[Any], Delay]] = {}
        for references in self.references.values():
            for path in _paths(references["triggers"] + references["reads"]):
                root = self._root(self.ports[path]) if path in self.ports and path not in roots else None
                if root is not None:
                    roots[path] = root
        return roots

    def _dependencies(self, roots: dict[str, tuple[Port[Any], Delay]]) -> dict[str, dict[str, str]]:
        """Reaction → the reactions that must come before it at a tag, each with the reason.

        A reaction that reads back an output of its own reactor sees only what earlier reactions set.
        """
        order = {path: index for index, (path, _, _) in enumerate(self.nodes)}
        before: dict[str, dict[str, str]] = {path: {} for path, _, _ in self.nodes}
        previous: dict[str, str] = {}
        for path, reactor, _ in self.nodes:
            if reactor.path in previous:
                before[path][previous[reactor.path]] = f"comes before it in {self._name(reactor)}"
            previous[reactor.path] = path
            for element in self.references[path]["triggers"] + self.references[path]["reads"]:
                root, delay = roots.get(element.path, (None, NO_DELAY))
                if root is None or delay != NO_DELAY:
                    continue
                for writer in self.writers.get(id(root), ()):
                    readback = root is element and element.owner is reactor and is_a(element, Output)
                    if not (readback and order[writer] >= order[path]):
                        before[path][writer] = self._sets(root, element)
        return before

    def _sets(self, root: Port[Any], port: Element) -> str:
        """That a reaction sets `root`, which another one reads as `port`, with the connections between."""
        if root is port:
            return f"sets {root.path}"
        writer = self.incoming.get(id(port))
        return f"sets {root.path}, connected to {port.path}" + (f" at {writer.where}" if writer else "")

    def _order(self, roots: dict[str, tuple[Port[Any], Delay]]) -> list[tuple[int, int, str]]:
        """(level, declaration, path) of every reaction, in order; a cycle becomes a violation.

        The earliest deadline goes first among reactions that are ready, so it comes before the level: what has to run
        before a reaction has inherited its deadline.
        """
        before = self._dependencies(roots)
        levels: dict[str, int] = {}
        try:
            for path in TopologicalSorter({p: list(b) for p, b in before.items()}).static_order():
                levels[path] = max((levels[b] + 1 for b in before[path]), default=0)
        except CycleError as error:
            self._report_cycle(error.args[1], before)
            return []
        deadlines = self._inherited_deadlines(before, levels)
        order = sorted((deadlines[path], levels[path], i, path) for i, (path, _, _) in enumerate(self.nodes))
        return [(level, i, path) for _, level, i, path in order]

    def _inherited_deadlines(self, before: dict[str, dict[str, str]], levels: dict[str, int]) -> dict[str, float]:
        """The earliest deadline of a reaction and of everything that waits for it at a tag."""
        deadlines = {path: math.inf if s.deadline is None else float(s.deadline) for path, _, s in self.nodes}
        for path in sorted(deadlines, key=lambda p: -levels[p]):
            for earlier in before[path]:
                deadlines[earlier] = min(deadlines[earlier], deadlines[path])
        return deadlines

    def _report_cycle(self, cycle: list[str], before: dict[str, dict[str, str]]) -> None:
        where = {path: signature.where for path, _, signature in self.nodes}
        start = min(range(len(cycle) - 1), key=lambda i: cycle[i])
        turned = cycle[start:-1] + cycle[: start + 1]
        steps = [f"  {a} ({where[a]}) {before[b].get(a, '')}" for a, b in pairwise(turned)]
        self.violations.append(
            "a cycle without delay:\n" + "\n".join(steps) + f"\n  {turned[-1]}: back at the start\n"
            "break it with after=... on one of the connections, with an action, or by reordering the reactions"
        )

    # The result

    def _ranked(self, order: list[tuple[int, int, str]]) -> tuple[ReactionNode, ...]:
        found = {path: (reactor, signature) for path, reactor, signature in self.nodes}
        nodes: list[ReactionNode] = []
        for rank, (level, _, path) in enumerate(order):
            reactor, signature = found[path]
            touched = {role: _paths(self.references[path][role]) for role in ("triggers", "reads", "effects")}
            lifecycle = tuple(t.name for t in signature.triggers if isinstance(t, Lifecycle))
            nodes.append(ReactionNode(
                path, reactor.path, rank, level, touched["triggers"] + lifecycle, touched["reads"], touched["effects"],
                shutdown in signature.effects, signature.where, signature,
            ))  # fmt: skip
        return tuple(nodes)

    def _edges(self, roots: dict[str, tuple[Port[Any], Delay]]) -> tuple[Edge, ...]:
        read = (path for path in self.ports if path in roots)
        found = ((path, *roots[path]) for path in read)
        return tuple(Edge(root.path, path, delay) for path, root, delay in found if root.path != path)


def _instance(given: Any) -> Reactor:
    if isinstance(given, Reactor):
        return given
    hint = f"; make an instance: {given.__name__}()" if isinstance(given, type) else ""
    raise TopologyError([f"expected a Reactor, received {given!r}{hint}"])


def _channels(element: Any) -> list[Element]:
    return element.channels if is_a(element, MultiPort) else [element]


def _pattern(reference: str) -> re.Pattern[str]:
    """Matches the paths that a reference names: itself, each channel of a multiport, `[*]` for every index."""
    return re.compile(re.escape(reference).replace(r"\[\*\]", r"\[\d+\]") + r"(\[\d+\])?\Z")


def _paths(elements: Iterable[Element]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(element.path for element in elements))


def _relative(path: str, prefix: str) -> str:
    return path[len(prefix) + 1 :] if prefix else path


def _kinds(end: str, ports: list[Port[Any]]) -> str:
    kinds = {port.kind for port in ports}
    kind = kinds.pop() if len(kinds) == 1 else "mix of ports"
    article = "an" if kind[0] in "aio" else "a"
    if len(ports) == 1:
        return f"{end} {ports[0].path} is {article} {kind}"
    return f"{end}s {_listed(ports)} are {kind}s" if kind != "mix of ports" else f"{end}s {_listed(ports)} are a {kind}"


def _same_spec_hint(source: Port[Any], sink: Port[Any]) -> str:
    """What to do about two specs that differ: perhaps only in a parameter that both name."""
    declared = [_declared_spec(port) for port in (source, sink)]
    if declared[0] != declared[1]:
        return "declare both with the same spec"
    return f"both are declared {declared[0]}: give both reactors the same parameters"


def _declared_spec(port: Port[Any]) -> Any:
    name = port.name.partition("[")[0]
    return getattr(type(port.owner)._declaration.elements[name], "spec", None) if port.owner is not None else None


def _listed(ports: list[Any]) -> str:
    paths = [port.path for port in ports]
    return ", ".join(paths) if len(paths) <= 3 else f"{paths[0]}, {paths[1]}, … {paths[-1]}"


def _delay_text(delay: Delay) -> str:
    if delay == NO_DELAY:
        return ""
    if delay.physical:
        return f"  physical, after {delay.time} ns"
    return f"  after {delay.time} ns" if delay.time else f"  after {delay.microsteps} microstep(s)"
