"""Who sends what to whom on a placement, and when that can be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from rlreactor.graph import Graph
from rlreactor.scheduler.binding import root_ports
from rlreactor.scheduler.cadence import NEVER, Cadence, cadences, joined
from rlreactor.tag import NO_DELAY, Delay

__all__ = ["STOP", "Route", "Routes"]

STOP: Final = -1  # in place of the reader of a route: what comes over it is a stop request


class Route(NamedTuple):
    """Ports of one worker that reach another after one delay, where one reaction is the first to read them.

    `writer` is the rank after which none of them is set any more at a tag, `cadence` when any of them can be set.
    """

    source: int
    writer: int
    delay: Delay
    reader: int
    cadence: Cadence | None


class Routes(NamedTuple):
    """All routes, for every worker: a function of the graph and the placement."""

    incoming: tuple[tuple[Route, ...], ...]  # per worker
    readers: dict[str, tuple[int, ...]]  # root port → other workers that read it
    home: dict[str, int]  # root port → the worker that writes it
    distance: tuple[tuple[Delay | None, ...], ...]  # shortest delay from worker to worker, over at least one edge

    @staticmethod
    def of(graph: Graph, worker_of: dict[str, int], workers: int) -> Routes:
        """The routes of a placement (reactor path → worker)."""
        return _Search(graph, worker_of, workers).routes()

    def audience(self, worker: int) -> dict[int, int]:
        """The workers that read something from `worker`, with the shortest delay in ns."""
        found: dict[int, int] = {}
        for reader, routes in enumerate(self.incoming):
            delays = [route.delay.time for route in routes if route.source == worker]
            if delays:
                found[reader] = min(delays)
        for path, readers in self.readers.items():  # physical connections are in no frontier
            if self.home[path] == worker:
                found |= {reader: found.get(reader, 0) for reader in readers}
        return found

    def announced(self, worker: int) -> tuple[int, ...]:
        """The ranks of reactions of `worker` after which others may know enough to go on, in order."""
        return tuple(sorted({route.writer for routes in self.incoming for route in routes if route.source == worker}))


class _Search:
    """Collects the routes of a placement."""

    def __init__(self, graph: Graph, worker_of: dict[str, int], workers: int) -> None:
        self._graph = graph
        self._worker_of = worker_of
        self._workers = workers
        self._cadences = cadences(graph)
        self._writers: dict[str, list[int]] = {}  # root port → ranks
        self._home: dict[str, int] = {}
        for path in root_ports(graph):
            self._writers[path] = [node.rank for node in graph.reactions if path in node.effects]
            self._home[path] = worker_of[graph.reactions[self._writers[path][0]].reactor]
        self._readers: dict[str, set[int]] = {}
        self._first: dict[tuple[str, Delay, int], int] = {}  # root port, delay, reading worker → lowest rank that reads

    def routes(self) -> Routes:
        physical = self._search()
        merged: dict[tuple[int, Delay, int, int], list[int]] = {}  # source, delay, target, reader → writers
        for (root, delay, target), reader in self._first.items():
            merged.setdefault((self._home[root], delay, target, reader), []).extend(self._writers[root])
        for source, stopping in self._stopping().items():  # a stop is a message to everybody, one microstep later
            for target in range(self._workers):
                if target != source:
                    merged[source, Delay(0, 1), target, STOP] = stopping
        incoming: list[list[Route]] = [[] for _ in range(self._workers)]
        for (source, delay, target, reader), writers in merged.items():
            cadence = joined([self._cadences.get(writer, NEVER) for writer in writers])
            incoming[target].append(Route(source, max(writers), delay, reader, cadence))
        return Routes(
            tuple(map(tuple, incoming)),
            {path: tuple(sorted(found)) for path, found in self._readers.items()},
            self._home,
            _distances([*((s, d, t) for s, d, t, _ in merged), *physical], self._workers),
        )

    def _search(self) -> set[tuple[int, Delay, int]]:
        """Look at every reader; returns the physical connections: the receiver's clock decides, nobody waits."""
        roots = {edge.sink: (edge.source, edge.delay) for edge in self._graph.edges}
        physical: set[tuple[int, Delay, int]] = set()
        for node in self._graph.reactions:
            target = self._worker_of[node.reactor]
            for path in (*node.triggers, *node.reads):
                root, delay = roots.get(path, (path, NO_DELAY))
                source = self._home.get(root, target)
                if source == target:
                    continue
                self._readers.setdefault(root, set()).add(target)
                if delay.physical:
                    physical.add((source, delay, target))
                else:
                    self._first.setdefault((root, delay, target), node.rank)
        return physical

    def _stopping(self) -> dict[int, list[int]]:
        """By worker, the reactions that may stop the program."""
        found: dict[int, list[int]] = {}
        for node in self._graph.reactions:
            if node.may_stop:
                found.setdefault(self._worker_of[node.reactor], []).append(node.rank)
        return found


def _distances(edges: Iterable[tuple[int, Delay, int]], workers: int) -> tuple[tuple[Delay | None, ...], ...]:
    """Shortest paths of at least one edge (Floyd and Warshall; delays are ordered as pairs)."""
    shortest: list[list[Delay | None]] = [[None] * workers for _ in range(workers)]
    for source, delay, target in edges:
        known = shortest[source][target]
        shortest[source][target] = delay if known is None else min(known, delay)
    for via in range(workers):
        for a in range(workers):
            for b in range(workers):
                first, second, known = shortest[a][via], shortest[via][b], shortest[a][b]
                if first is not None and second is not None:
                    through = first.then(second)
                    shortest[a][b] = through if known is None else min(known, through)
    return tuple(tuple(row) for row in shortest)
