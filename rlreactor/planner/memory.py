"""How much shared memory a run reserves: the numbers that planner and runtime share."""

from __future__ import annotations

from collections.abc import Iterable

from rlreactor.graph import Graph
from rlreactor.planner.flows import Flow, flows
from rlreactor.planner.rates import in_flight, source_periods

__all__ = ["inline_limit", "ring_capacity", "slot_bytes", "slot_counts", "slots_of", "stop_ring_capacity"]

inline_limit = 4096
"""Values up to this many bytes travel within the ring: copying them costs less than looking after a slot."""

ring_capacity = 128 << 10
"""Bytes of records in the ring of one direction between two workers."""

stop_ring_capacity = 4 << 10
"""The same where no edge leads: only the news that the program stops goes that way."""

_PAGE = 4096  # a slot is mapped on its own, so it takes whole pages


def slot_bytes(graph: Graph, source: str) -> int:
    """Bytes from one slot of this port to the next; 0 if its values travel inline."""
    size = -(-graph.ports[source].spec.nbytes // _PAGE) * _PAGE
    return size if size > inline_limit else 0


def slots_of(graph: Graph, source: str) -> int:
    """How many values of this port exist at once; 0 if they travel inline."""
    return slot_counts(graph, flows(graph)).get(source, 0)


def slot_counts(graph: Graph, among: Iterable[Flow]) -> dict[str, int]:
    """Slots of every port that does not travel inline.

    One is being written and one read; a reader that holds keeps a third; delayed edges keep what is under way.
    """
    periods = source_periods(graph)
    held: set[str] = set()
    under_way: dict[str, int] = {}
    for flow in among:
        if graph.ports[flow.sink].hold:
            held.add(flow.source)
        count = in_flight(flow.delay, periods.get(flow.source))
        under_way[flow.source] = max(under_way.get(flow.source, 0), count)
    return {source: 2 + (source in held) + count for source, count in under_way.items() if slot_bytes(graph, source)}
