"""Gates of a schedule that is played: what every worker must know of others before it goes past a rank."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from rlreactor.graph import Graph
from rlreactor.tag import NO_DELAY, Delay, Tag

__all__ = ["Gate", "History", "gates_of"]


class Gate:
    """What a worker waits for before the reaction of `rank`: the runs of a writer elsewhere, `delay` earlier."""

    __slots__ = ("delay", "position", "rank", "writer")

    def __init__(self, rank: int, writer: int, delay: Delay) -> None:
        self.rank = rank
        self.writer = writer  # its rank
        self.delay = delay
        self.position = -1  # in the writer's history: the last run that matters


class History:
    """The runs of a reaction that others wait for: at which tag, when its news was out, and which firing it was."""

    __slots__ = ("firings", "tags", "times")

    def __init__(self) -> None:
        self.tags: list[Tag] = []
        self.times: list[float] = []
        self.firings: list[int] = []

    def add(self, tag: Tag, time: float, firing: int) -> None:
        """One more run."""
        self.tags.append(tag)
        self.times.append(time)
        self.firings.append(firing)


def gates_of(graph: Graph, place: Mapping[str, int], workers: int) -> list[list[Gate]]:
    """Per worker, in order of ranks; `place` tells the worker of every reactor."""
    first = _first_readers(graph, place)
    gates: list[list[Gate]] = [[] for _ in range(workers)]
    for (worker, writer, delay), rank in sorted(first.items(), key=lambda item: (item[1], item[0])):
        gates[worker].append(Gate(rank, writer, delay))
    return gates


def _first_readers(graph: Graph, place: Mapping[str, int]) -> dict[tuple[int, int, Delay], int]:
    """By worker, writer elsewhere and delay: the first reaction on the worker that needs to know."""
    writers: defaultdict[str, list[int]] = defaultdict(list)
    for node in graph.reactions:
        for port in node.effects:
            writers[port].append(node.rank)
    roots = {edge.sink: (edge.source, edge.delay) for edge in graph.edges}
    home = [place[node.reactor] for node in graph.reactions]
    first: dict[tuple[int, int, Delay], int] = {}
    for node in graph.reactions:
        worker = place[node.reactor]
        for sink in node.triggers + node.reads:
            source, delay = roots.get(sink, (sink, NO_DELAY))
            for writer in writers[source] if not delay.physical else ():
                if home[writer] != worker:
                    key = (worker, writer, delay)
                    first[key] = min(first.get(key, node.rank), node.rank)
    return first
