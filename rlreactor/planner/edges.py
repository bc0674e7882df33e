"""The edges between workers and the memory that they need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from rlreactor.errors import PlanError
from rlreactor.graph import Graph
from rlreactor.links.board import Board
from rlreactor.links.memory import describe_bytes
from rlreactor.links.ring import RING_OVERHEAD
from rlreactor.links.segment import PAGE, round_up
from rlreactor.links.words import CACHE_LINE
from rlreactor.planner.flows import Flow
from rlreactor.planner.links import LinkPlan
from rlreactor.planner.memory import ring_capacity, slot_bytes, slot_counts, stop_ring_capacity
from rlreactor.planner.plan import EdgePlan

__all__ = ["between_workers", "check_memory", "host_bytes", "reserved_bytes", "touching", "under_way", "window_bytes"]

# Slots of an edge over sockets besides those that are written, read and kept: as many as make up some bytes.
_LEAST_ON_THE_LINE, _MOST_ON_THE_LINE, _BYTES_ON_THE_LINE = 2, 6, 8 << 20


def between_workers(graph: Graph, among: tuple[Flow, ...], place: Mapping[str, int]) -> tuple[EdgePlan, ...]:
    """The ports that other workers read than the one that sets them, in graph order."""
    slots = slot_counts(graph, among)
    writers: dict[str, int] = {}
    readers: defaultdict[str, set[int]] = defaultdict(set)
    for flow in among:
        writers[flow.source] = place[flow.writer]
        if place[flow.reader] != place[flow.writer]:
            readers[flow.source].add(place[flow.reader])
    return tuple(
        EdgePlan(
            source=port,
            worker=writers[port],
            readers=tuple(sorted(readers[port])),
            carrier="slots" if port in slots else "inline",
            slots=slots.get(port, 0),
            slot_bytes=slot_bytes(graph, port),
            message_bytes=graph.ports[port].spec.nbytes,
        )
        for port in graph.ports
        if port in readers
    )


def under_way(edges: Iterable[EdgePlan], links: Iterable[LinkPlan]) -> tuple[EdgePlan, ...]:
    """The same edges with more slots where values go over sockets: some are on the line while others are used.

    Without them every value would wait until the one before it has been read and the writer has been told so: 1 MB
    values over TCP then come at half the speed. The more there are, the less often the two ends wake each other; of
    large values that is a small part of the cost.
    """
    socketed = {link.workers for link in links if link.carrier != "memory"}
    return tuple(_longer(edge) if edge.slots and _joined(edge, socketed) else edge for edge in edges)


def _joined(edge: EdgePlan, pairs: Collection[tuple[int, int]]) -> bool:
    return any((edge.worker, reader) in pairs or (reader, edge.worker) in pairs for reader in edge.readers)


def _longer(edge: EdgePlan) -> EdgePlan:
    on_the_line = min(max(_LEAST_ON_THE_LINE, _BYTES_ON_THE_LINE // edge.slot_bytes), _MOST_ON_THE_LINE)
    return edge.model_copy(update={"slots": edge.slots + on_the_line})


def reserved_bytes(edges: Sequence[EdgePlan], worker_count: int) -> int:
    """Slots of every edge; a board, a ring each way between any two workers, and a word for every reader.

    One worker alone has nobody to share with. The test compares this with what the links really lay out.
    """
    if worker_count == 1:
        return 0
    joined = {(edge.worker, reader) for edge in edges for reader in edge.readers}
    pairs = worker_count * (worker_count - 1)
    rings = len(joined) * ring_capacity + (pairs - len(joined)) * stop_ring_capacity + pairs * RING_OVERHEAD
    words = sum(len(edge.readers) for edge in edges if edge.slots) * CACHE_LINE
    control = round_up(Board.size(worker_count), CACHE_LINE) + rings + words
    return round_up(control, PAGE) + max(sum(map(_slot_memory, edges)), PAGE)


def host_bytes(edges: Sequence[EdgePlan], here: Collection[int], worker_count: int, window: int = ring_capacity) -> int:
    """At most what one of several hosts needs, on which the workers `here` are, also for what goes to others and comes.

    A link to another host keeps as much as its window: sent and not yet acknowledged, or arrived and not yet read.
    """
    near = len(here) * (len(here) - 1)
    rings = near * (ring_capacity + RING_OVERHEAD) + window_bytes(here, worker_count, window)
    words = sum(len(edge.readers) for edge in edges if edge.slots) * CACHE_LINE
    control = round_up(Board.size(worker_count), CACHE_LINE) + rings + words
    return round_up(control, PAGE) + max(sum(map(_slot_memory, touching(edges, here))), PAGE)


def window_bytes(here: Collection[int], worker_count: int, window: int) -> int:
    """What the windows of all links to and from other hosts come to."""
    return 2 * len(here) * (worker_count - len(here)) * window


def touching(edges: Iterable[EdgePlan], here: Collection[int]) -> list[EdgePlan]:
    """The edges that these workers write or read."""
    return [edge for edge in edges if edge.worker in here or not set(edge.readers).isdisjoint(here)]


def check_memory(
    edges: Sequence[EdgePlan], needed: int, available: int, machine: str = "the machine", windows: int = 0
) -> None:
    """Raises PlanError if more is needed than available, naming what needs most: edges, or `windows` bytes of links."""
    if needed <= available:
        return
    problem = (
        f"the edges between workers need {describe_bytes(needed)} of shared memory, but {machine} has "
        f"{describe_bytes(available)} to give. Most is needed by "
    )
    if windows > needed // 2:
        raise PlanError(
            f"{problem}the windows of its links to other hosts: {describe_bytes(windows)}. Use a smaller links.window, "
            "or fewer workers"
        )
    largest = sorted(edges, key=lambda edge: (-_slot_memory(edge), edge.source))[:3]
    each = "; ".join(
        f"{edge.source}: {edge.slots} slots of {describe_bytes(edge.slot_bytes)}" for edge in largest if edge.slots
    )
    raise PlanError(f"{problem}{each or 'the rings'}. Use smaller specs, a smaller lag (after=), or fewer workers")


def _slot_memory(edge: EdgePlan) -> int:
    return edge.slots * edge.slot_bytes
