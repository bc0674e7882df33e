"""Connections: pairs of ports, each of which gets its values from one other, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from rlreactor.connection import Broadcast, Connection
from rlreactor.port import Element, Input, MultiPort, Output, Port
from rlreactor.reactor import Reactor
from rlreactor.source import Location
from rlreactor.tag import NO_DELAY, Delay

__all__ = ["Wiring", "Writer", "elements_of", "name_of"]


class Writer(NamedTuple):
    """What gives a port its value: a connection."""

    source: Port[Any]
    delay: Delay
    where: Location


class Wiring:
    """The connections of a topology.

    Args:
        violations: grows by what is found.
    """

    def __init__(self, violations: list[str]) -> None:
        self._violations = violations
        self.incoming: dict[int, Writer] = {}
        """By the id of a port: where its values come from."""

    def connect(self, container: Reactor, connection: Connection) -> None:
        """Take up a connection that `container` makes, or a violation."""
        at = f"connect at {connection.where}"
        if not self._endpoints_are_ports(connection, at) or not self._delay_is_valid(connection, at):
            return
        problem = self._direction_problem(container, connection)
        if problem:
            self._violations.append(f"{at}: {problem}")
            return
        for source, sink in self._paired(connection, at):
            self._connect_pair(source, sink, connection, at)

    def _endpoints_are_ports(self, connection: Connection, at: str) -> bool:
        wrong = [e for e in connection.sources + connection.sinks if not isinstance(e, Port)]
        for endpoint in wrong[:1]:
            ports = ", ".join(endpoint._declaration.elements) if isinstance(endpoint, Reactor) else ""
            hint = f"; name one of its ports: {ports}" if ports else ""
            self._violations.append(f"{at}: expected ports or lists of ports, received {endpoint!r}{hint}")
        return not wrong

    def _delay_is_valid(self, connection: Connection, at: str) -> bool:
        after = connection.after
        if after is None or (type(after) is int and after >= 0):
            return True
        self._violations.append(
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
        self._violations.append(
            f"{at}: {len(sources)} sources ({_listed(sources)}) for {len(sinks)} sinks ({_listed(sinks)}); {hint}"
        )
        return []

    def _direction_problem(self, container: Reactor, connection: Connection) -> str | None:
        sources, sinks = connection.sources, connection.sinks
        for port in (*sources, *sinks):
            if port.owner is not container and getattr(port.owner, "_parent", None) is not container:
                return (
                    f"{port.kind} {port.path} belongs neither to {name_of(container)} nor to a reactor directly "
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
        names = [e.name for e in elements_of(port.owner) if isinstance(e, kind)]
        return f"; {kind.kind}s of {name_of(port.owner)}: {', '.join(names) or 'none'}"

    def _connect_pair(self, source: Port[Any], sink: Port[Any], connection: Connection, at: str) -> None:
        if source.spec != sink.spec:
            self._violations.append(
                f"{at}: {source.path} sends {source.spec} ({source.where}) but {sink.path} expects {sink.spec} "
                f"({sink.where}); {_same_spec_hint(source, sink)}"
            )
        earlier = self.incoming.get(id(sink))
        if earlier is not None:
            self._violations.append(
                f"{at}: {sink.path} already receives from {earlier.source.path} (connected at {earlier.where}), now "
                f"also from {source.path}; an input has one writer: use Inputs(..., width=2) or another port"
            )
            return
        delay = Delay.of(connection.after, sink.path if connection.physical else "")
        self.incoming[id(sink)] = Writer(source, delay, connection.where)

    def root(self, port: Port[Any]) -> tuple[Port[Any], Delay] | None:
        """The port that reactions write and the delay from there; None for a port that nothing feeds."""
        delay, seen = NO_DELAY, {id(port)}
        while (writer := self.incoming.get(id(port))) is not None:
            port, delay = writer.source, writer.delay.then(delay)
            if id(port) in seen:
                self._violations.append(
                    f"connect at {writer.where}: {port.path} is connected to itself in a circle; nothing ever sets it"
                )
                return None
            seen.add(id(port))
        return port, delay


def elements_of(reactor: Reactor) -> Iterator[Element]:
    for name in type(reactor)._declaration.elements:
        element = getattr(reactor, name, None)
        if isinstance(element, MultiPort):
            yield from element.channels
        elif isinstance(element, Element):
            yield element


def name_of(reactor: Reactor) -> str:
    """Its path; of the topology, its class."""
    return reactor.path or type(reactor).__name__


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
