"""How far a worker may go: what its neighbours have promised, and what it can promise in turn. No I/O.

Each worker's *frontier* (time, microstep, rank) promises: everything I send before that point of the program has been
sent. From it follows, for every edge, the earliest tag at which something can still arrive. A worker may start a tag
when nothing can arrive before it; a reaction that reads a remote port passes its *gate* once nothing more can arrive
there at the tag.

Frontiers alone creep where workers wait for each other with nothing to do (Chandy and Misra's null messages, one
delay at a time). So a blocked worker also looks at everybody's next event at one moment without messages under way:
nothing can reach it before the earliest of them plus the shortest delay on the path. That is the *floor*.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from rlreactor.graph import Graph
from rlreactor.links.board import Status
from rlreactor.scheduler.binding import root_ports
from rlreactor.tag import FOREVER, NO_DELAY, Delay, Point, Tag

__all__ = ["STOP", "Frontiers", "InEdge", "Routes", "Triple"]

Triple = tuple[int, int, int]
STOP = -1  # in place of the reader of an edge: what comes over it is a stop request


class InEdge:
    """Edges of one delay from one worker whose sources are final after the same rank."""

    __slots__ = ("delay", "earliest", "reader", "source", "writer")

    def __init__(self, source: int, writer: int, delay: Delay, reader: int) -> None:
        self.source = source  # worker
        self.writer = writer  # rank after which nothing is set any more at a tag
        self.delay = delay
        self.reader = reader  # lowest rank that reads
        self.earliest: Point = delay.added_to((0, 0))  # tag of the next possible arrival

    def advance(self, frontier: Triple) -> None:
        """The source's frontier moved."""
        time, microstep, rank = frontier
        if self.writer < rank:
            microstep += 1
        self.earliest = self.delay.added_to((time, microstep))


class Routes(NamedTuple):
    """Who sends what to whom, for every worker: a function of the graph and the placement."""

    incoming: tuple[tuple[tuple[int, int, Delay, int], ...], ...]  # per worker: (source, writer, delay, reader)
    gates: tuple[dict[int, tuple[tuple[int, int, Delay], ...]], ...]  # per worker: rank → edges that must be known
    readers: dict[str, tuple[int, ...]]  # root port → other workers that read it
    home: dict[str, int]  # root port → the worker that writes it
    distance: tuple[tuple[Delay | None, ...], ...]  # shortest delay from worker to worker, over at least one edge

    @staticmethod
    def of(graph: Graph, worker_of: dict[str, int], workers: int) -> Routes:
        """The routes of a placement (reactor path → worker)."""
        ports = set(root_ports(graph))
        written = [(path, node) for node in graph.reactions for path in node.effects if path in ports]
        last_writer = {path: node.rank for path, node in written}
        home = {path: worker_of[node.reactor] for path, node in written}
        roots = {e.sink: (e.source, e.delay) for e in graph.edges}
        edges: dict[tuple[int, int, Delay, int], int] = {}  # (source, writer, delay, target) → lowest reader
        physical: set[tuple[int, Delay, int]] = set()  # the receiver's clock decides: nothing to wait for
        gates: list[dict[int, set[tuple[int, int, Delay]]]] = [{} for _ in range(workers)]
        readers: dict[str, set[int]] = {}
        for node in graph.reactions:
            target = worker_of[node.reactor]
            for path in (*node.triggers, *node.reads):
                root, delay = roots.get(path, (path, NO_DELAY))
                source = home.get(root)
                if source is None or source == target:
                    continue
                writer = last_writer[root]
                readers.setdefault(root, set()).add(target)
                if delay.physical:
                    physical.add((source, delay, target))
                    continue
                edges.setdefault((source, writer, delay, target), node.rank)
                gates[target].setdefault(node.rank, set()).add((source, writer, delay))
        for node in graph.reactions:  # a stop is a message to everybody, one microstep later
            if node.may_stop:
                source = worker_of[node.reactor]
                for target in range(workers):
                    if target != source:
                        edges[source, node.rank, Delay(0, 1), target] = STOP
        return Routes(
            tuple(tuple((s, w, d, r) for (s, w, d, t), r in edges.items() if t == worker) for worker in range(workers)),
            tuple({rank: tuple(sorted(found)) for rank, found in gate.items()} for gate in gates),
            {path: tuple(sorted(found)) for path, found in readers.items()},
            home,
            _distances([*((s, d, t) for s, _, d, t in edges), *physical], workers),
        )

    def audience(self, worker: int) -> dict[int, int]:
        """The workers that read something from `worker`, with the shortest delay in ns."""
        found: dict[int, int] = {}
        for reader, edges in enumerate(self.incoming):
            delays = [delay.time for source, _, delay, _ in edges if source == worker]
            if delays:
                found[reader] = min(delays)
        for path, readers in self.readers.items():  # physical connections are in no frontier
            if self.home[path] == worker:
                found |= {reader: found.get(reader, 0) for reader in readers}
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


class Frontiers:
    """What one worker knows of the others."""

    def __init__(self, routes: Routes, me: int) -> None:
        self._distance = [row[me] for row in routes.distance]
        self.edges = [InEdge(*edge) for edge in routes.incoming[me]]
        self._stops = [edge for edge in self.edges if edge.reader == STOP]
        self._of_worker: dict[int, list[InEdge]] = {}
        for edge in self.edges:
            self._of_worker.setdefault(edge.source, []).append(edge)
        found = {(e.source, e.writer, e.delay): e for e in self.edges}
        self._gates = {rank: [found[key] for key in keys] for rank, keys in routes.gates[me].items()}
        self.gates = tuple(sorted(self._gates))
        self.sources = tuple(sorted(self._of_worker))
        self._unaware: set[int] = set()
        self.known: Point = FOREVER  # nothing can arrive before this tag, by the frontiers
        self.floor: Point = Tag(0, 0)  # nor before this one, by the last snapshot
        self._refresh()

    def _refresh(self) -> None:
        self.known = min((edge.earliest for edge in self.edges), default=FOREVER)

    def run_dry(self, stop: Point) -> None:
        """Nothing happens before `stop`, and at `stop` only what shutdown reactions start.

        A worker with nothing to do promises for ever, or up to the timeout. Such a promise did not reckon with this
        stop: it is void, until the worker is known to have heard of it and promises anew.
        """
        self.floor = stop
        self._unaware = set(self.sources)
        for edge in self.edges:
            edge.earliest = min(edge.earliest, stop)
        self._refresh()

    def heard_of_stop(self, worker: int) -> None:
        """What `worker` promises from now on reckons with the stop."""
        self._unaware.discard(worker)

    def advance(self, worker: int, frontier: Triple) -> None:
        """`worker` promised more."""
        if worker in self._unaware:
            return
        for edge in self._of_worker.get(worker, ()):
            edge.advance(frontier)
        self._refresh()

    def known_before(self, tag: Point) -> bool:
        """Whether nothing can arrive any more before `tag`, nor a stop request for `tag` itself.

        Never so for FOREVER: that the program has run dry only a snapshot can tell.
        """
        if tag < self.floor:
            return tag != FOREVER
        return (tag <= self.known or tag == self.floor) and tag != FOREVER and self._stops_known(tag)

    def clear_until(self) -> tuple[Point, Point]:
        """A tag may start if it is not after the first and before the second of these."""
        stops = min((edge.earliest for edge in self._stops), default=FOREVER)
        return max(self.known, self.floor), max(stops, self.floor)

    def _stops_known(self, tag: Point) -> bool:
        return all(edge.earliest > tag for edge in self._stops)

    def known_at(self, tag: Point, gate: int) -> bool:
        """Whether nothing can arrive any more at `tag` for the reaction of rank `gate`."""
        return tag < self.floor or all(edge.earliest > tag for edge in self._gates[gate])

    def blocking(self, tag: Point, gate: int | None = None) -> list[InEdge]:
        """The edges that `tag` (its start, or its gate) still waits for."""
        edges = self.edges if gate is None else self._gates[gate]
        strict = edges if gate is not None else self._stops
        return [e for e in edges if e.earliest < tag or (e.earliest == tag and e in strict)]

    def promise(self, candidate: Point) -> Triple:
        """The frontier of this worker when it has finished its tags and would process `candidate` next."""
        best: Triple = (candidate[0], candidate[1], 0)
        for edge in self.edges:
            arrival = max(edge.earliest, self.floor)
            best = min(best, (arrival[0], arrival[1], max(edge.reader, 0)))
        return best

    def raise_floor(self, statuses: Sequence[Status], unread: Collection[int], stop: Point) -> None:
        """Use a snapshot. What comes from `unread` workers and was not read yet lies where their edges say."""
        arrivals = [
            delay.added_to(status.head)
            for status, delay in zip(statuses, self._distance, strict=True)
            if delay is not None and status.head != FOREVER
        ]
        arrivals += [edge.earliest for edge in self.edges if edge.source in unread]
        self.floor = max(self.floor, min([*arrivals, stop]))
