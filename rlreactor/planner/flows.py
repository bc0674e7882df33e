"""Who sends to whom: the graph seen from its reactors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rlreactor.graph import Graph
from rlreactor.tag import NO_DELAY, Delay

__all__ = ["OBJECT_BYTES", "Flow", "flows", "message_bytes"]

OBJECT_BYTES = 256  # what a message without a fixed size is taken to weigh


class Flow(NamedTuple):
    """From a port that `writer` sets to a port that `reader` reads; both may be the same port or reactor."""

    source: str
    writer: str
    sink: str
    reader: str
    delay: Delay


def flows(graph: Graph) -> tuple[Flow, ...]:
    """Every flow once, in the order of the reading reactions.

    An edge is not enough: a container's reaction sets and reads ports of what it contains without one.
    """
    return tuple(dict.fromkeys(_flows(graph)))


def _flows(graph: Graph) -> Iterator[Flow]:
    roots = {edge.sink: (edge.source, edge.delay) for edge in graph.edges}
    writers = {port: node.reactor for node in graph.reactions for port in node.effects}
    for node in graph.reactions:
        for sink in node.triggers + node.reads:
            source, delay = roots.get(sink, (sink, NO_DELAY))
            if sink in graph.ports and source in writers:
                yield Flow(source, writers[source], sink, node.reactor, delay)


def message_bytes(graph: Graph, source: str) -> int:
    """Bytes of one message from this port, guessed where the size is not fixed."""
    return graph.ports[source].spec.nbytes or OBJECT_BYTES
