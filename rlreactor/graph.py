"""The flattened, checked graph of a topology: reactions in order, ports with their roots, every violation at once.

Hierarchy, banks and chains of connections are gone here. What is left: each port that a reaction reads has one *root*,
the port that reactions write, and a delay between the two; each reaction has a level (longest path over zero-delay
dependencies) and a rank, its place in the one order that every worker follows within a tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from rlreactor.action import Action
from rlreactor.declaration import ReactionSignature
from rlreactor.dynamic import is_a
from rlreactor.errors import SpecError, TopologyError, did_you_mean
from rlreactor.lifecycle import Lifecycle, shutdown
from rlreactor.mode import Mode
from rlreactor.ordering import Ordering
from rlreactor.physical_action import PhysicalAction
from rlreactor.port import Element, Input, MultiPort, Output, Port
from rlreactor.reactor import Reactor, changes, class_path
from rlreactor.source import Location
from rlreactor.tag import NO_DELAY, Delay
from rlreactor.timer import Timer
from rlreactor.wiring import Wiring, elements_of, name_of

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


def check(topology: Reactor, *, fast: bool = False) -> Graph:
    """Flatten a topology and check it against every rule; with `fast`, also that it can run in fast mode.

    Raises TopologyError with all violations: specs, widths, directions, second writers, cycles, references.
    """
    return _Check(topology).graph(fast)


class _Check:
    """One pass over a topology; each step adds what it finds to `violations` and leaves the rest to go on."""

    def __init__(self, topology: Reactor) -> None:
        self.topology = _instance(topology)
        self.violations = changes(self.topology)
        self.reactors: dict[str, Reactor] = {}
        self.ports: dict[str, Port[Any]] = {}
        self.timers: dict[str, Timer] = {}
        self.actions: dict[str, Action[Any]] = {}
        self.wiring = Wiring(self.violations)
        self.writers: dict[int, list[str]] = {}  # port id → paths of the reactions that set it
        self.placing: dict[str, Placing] = {}
        self.references: dict[str, dict[str, list[Element]]] = {}
        self.nodes: list[tuple[str, Reactor, ReactionSignature]] = []

    def graph(self, fast: bool) -> Graph:
        self._collect(self.topology)
        for reactor in self.reactors.values():
            for connection in reactor._connections:
                self.wiring.connect(reactor, connection)
            self._resolve_reactions(reactor)
            self._resolve_placements(reactor)
            self._check_modes(reactor)
        self._check_second_writers()
        if fast:
            self._check_physical()
        roots = self._roots()
        ordering = Ordering(self.nodes, self.references, self.writers, self.wiring.incoming, self.violations)
        order = ordering.order(roots)
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
        for element in elements_of(reactor):
            self._resolve(reactor, element)
        for orphan in reactor._orphans:
            self.violations.append(
                f"{type(orphan).__name__} made at {orphan._where} belongs to nobody: assign it to an attribute of "
                f"{name_of(reactor)} in compose()"
            )
        for child in reactor.children:
            self._collect(child)

    def _check_names(self, reactor: Reactor) -> None:
        for name, child in reactor._named_children():
            if child._parent is not None and (child._parent is not reactor or child._name != name):
                owner = f"{name_of(child._parent)}.{child._name}"
                self.violations.append(
                    f"{name_of(reactor)}.{name} is the same reactor as {owner}; a reactor has one place: "
                    f"make a second one (made at {child._where})"
                )

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
        element = getattr(reactor, reference, None)
        if isinstance(element, Element):
            yield from _channels(element)
            return
        known = {_relative(e.path, reactor.path): e for r in [reactor, *reactor.children] for e in elements_of(r)}
        pattern = _pattern(reference)
        matches = [e for name, e in known.items() if pattern.match(name)]
        if not matches:
            self.violations.append(
                f"reaction {path} ({signature.where}) names {reference!r}, which {name_of(reactor)} does not have; "
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
        physical += [f"connect at {w.where} (physical=True)" for w in self.wiring.incoming.values() if w.delay.physical]
        for place in dict.fromkeys(physical):
            self.violations.append(
                f"{place}: its tags come from the wall clock, and fast mode (the default) has none; run with fast=False"
            )

    def _check_second_writers(self) -> None:
        for port in self.ports.values():
            incoming, reactions = self.wiring.incoming.get(id(port)), self.writers.get(id(port))
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
                        f"place at {placement.where}: expected reactors inside {name_of(reactor)}, received {target!r}"
                    )
                    continue
                self.placing[target.path] = Placing(*placement[1:6])

    def _check_modes(self, reactor: Reactor) -> None:
        modes = [e for e in elements_of(reactor) if isinstance(e, Mode)]
        initial = [mode.name for mode in modes if mode.initial]
        if modes and len(initial) != 1:
            self.violations.append(
                f"{name_of(reactor)} has modes {', '.join(m.name for m in modes)} ({modes[0].where}), of which "
                f"{len(initial)} are initial; declare exactly one with Mode(initial=True)"
            )
        for element in elements_of(reactor):
            mode = element.mode if isinstance(element, Timer | Action) else None
            if mode is not None and type(reactor)._declaration.elements.get(mode.name) is not mode:
                self.violations.append(
                    f"{element.kind} {element.path} ({element.where}): mode={mode} is no mode of {name_of(reactor)}"
                )
        for name, field in type(reactor)._declaration.states.items():
            mode = field.reset if isinstance(field.reset, Mode) else None
            if mode is not None and type(reactor)._declaration.elements.get(mode.name) is not mode:
                self.violations.append(
                    f"state {name} of {name_of(reactor)} ({field.where}): reset={mode} is no mode of it"
                )
        contained = [(child, mode) for mode in modes for child in mode.contained]
        for child, mode in contained:
            others = [other.name for inside, other in contained if inside is child and other is not mode]
            if others:
                self.violations.append(
                    f"{name_of(child)} is in modes {', '.join(sorted([mode.name, *others]))} of "
                    f"{name_of(reactor)}; a reactor is in one mode: make one for each"
                )
            if child._parent is not reactor:
                self.violations.append(
                    f"mode {mode.path} ({mode.where}) contains {child!r}, which is not directly inside "
                    f"{name_of(reactor)}; a mode takes reactors of its own reactor"
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

    def _roots(self) -> dict[str, tuple[Port[Any], Delay]]:
        """For every port that some reaction reads: its root."""
        roots: dict[str, tuple[Port[Any], Delay]] = {}
        for references in self.references.values():
            for path in _paths(references["triggers"] + references["reads"]):
                root = self.wiring.root(self.ports[path]) if path in self.ports and path not in roots else None
                if root is not None:
                    roots[path] = root
        return roots

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


def _delay_text(delay: Delay) -> str:
    if delay == NO_DELAY:
        return ""
    if delay.physical:
        return f"  physical, after {delay.time} ns"
    return f"  after {delay.time} ns" if delay.time else f"  after {delay.microsteps} microstep(s)"
