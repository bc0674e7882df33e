"""Connections as declared: `connect`, `broadcast`, `interleaved`, and what `place` tells the planner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from rlreactor.dynamic import is_a
from rlreactor.port import Port
from rlreactor.source import Location

if TYPE_CHECKING:
    from rlreactor.reactor import Reactor

__all__ = ["Broadcast", "Connection", "Placement", "broadcast", "endpoints", "interleaved"]

P = TypeVar("P", bound=Port[Any])


class Connection(NamedTuple):
    """One call of `connect`, not yet checked."""

    sources: list[Any]
    sinks: list[Any]
    after: Any
    physical: bool
    where: Location
    source_given: Any
    sink_given: Any


class Placement(NamedTuple):
    """One call of `place`, not yet checked."""

    reactors: list[Reactor]
    cost: float | None
    threads: int
    gpu: int
    with_: str | None
    host: str | None
    where: Location


class Broadcast(Generic[P]):
    """A source that is repeated as often as the other side needs."""

    def __init__(self, ports: list[P]) -> None:
        self.ports = ports


def broadcast(source: P | Sequence[P] | Sequence[Sequence[P]]) -> Broadcast[P]:
    """Repeat `source` until every sink has one: sink i gets source i mod width."""
    return Broadcast(endpoints(source))


def interleaved(ports: Sequence[Sequence[P]]) -> list[P]:
    """The ports of a bank of multiports with the port index outer and the bank index inner: a0 b0 a1 b1 …"""
    width = max((len(row) for row in ports), default=0)
    return [row[i] for i in range(width) for row in ports if i < len(row)]


def endpoints(given: Any) -> list[Any]:
    """The ports of a connection's end as a flat list, bank index outer, port index inner."""
    if is_a(given, Broadcast):
        return list(given.ports)
    if is_a(given, Sequence) and not is_a(given, str):
        return [port for item in given for port in endpoints(item)]
    return [given]
