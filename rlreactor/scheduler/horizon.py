"""How far a worker may go by what the others have promised, and what it can promise in turn. No I/O.

`horizon.c` is the same in C.
"""

from __future__ import annotations

from collections.abc import Iterable

from rlreactor.scheduler.edges import Edges, InEdge, Triple
from rlreactor.scheduler.routes import STOP
from rlreactor.tag import FOREVER, Point, earlier

__all__ = ["Horizon"]


class Horizon:
    """The edges to one worker, and what follows from all of them together.

    Attributes:
        edges: all; `stopping`: those over which stops are asked for.
        of_worker: those over which a worker sends, which are told together.
        at_gate: by rank of the first reaction to read them.
        unaware: workers whose promises do not count, until they are known to have heard of a stop.
        known: nothing can arrive before this tag, by the frontiers.
        floor: nor before this one, by the last snapshot.
        latest: a tag may start if it is not after this,
        stops: and before this: from here on somebody may still ask for a stop.
    """

    def __init__(self, edges: Iterable[InEdge]) -> None:
        every = tuple(edges)
        ordinary = [edge for edge in every if edge.reader != STOP]
        self.edges = Edges(every)
        self.stopping = Edges(edge for edge in every if edge.reader == STOP)
        self.of_worker = {w: Edges(e for e in every if e.source == w) for w in sorted({e.source for e in every})}
        self.at_gate = {r: Edges(e for e in ordinary if e.reader == r) for r in sorted({e.reader for e in ordinary})}
        self.unaware: set[int] = set()
        self.known: Point = FOREVER
        self.floor: Point = (0, 0)
        self.latest: Point = FOREVER
        self.stops: Point = FOREVER
        self.refresh()

    def refresh(self) -> None:
        """Edges have moved, or the floor."""
        known, stops, floor = self.edges.earliest(), self.stopping.earliest(), self.floor
        self.known = known
        self.latest = known if earlier(floor, known) else floor
        self.stops = stops if earlier(floor, stops) else floor

    def advance(self, worker: int, frontier: Triple) -> None:
        """`worker` promised more."""
        if worker not in self.unaware and worker in self.of_worker and self.of_worker[worker].advance(frontier):
            self.refresh()

    def may_start(self, tag: Point) -> bool:
        """Whether `tag` may start by what is known already."""
        return not earlier(self.latest, tag) and earlier(tag, self.stops)

    def known_before(self, tag: Point) -> bool:
        """Whether nothing can arrive any more before `tag`, nor a stop request for `tag` itself.

        Never so for FOREVER: that the program has run dry only a snapshot can tell.
        """
        if tag == FOREVER or earlier(tag, self.floor):
            return tag != FOREVER
        return (tag == self.floor or not earlier(self.known, tag)) and self.stopping.all_after(tag)

    def known_at(self, tag: Point, gate: int) -> bool:
        """Whether nothing can arrive any more at `tag` for the reaction of rank `gate`."""
        return self.at_gate[gate].all_after(tag) or earlier(tag, self.floor)

    def promise(self, candidate: Point) -> Triple:
        """The frontier of this worker when it has finished its tags and would process `candidate` next."""
        return self.edges.reached(candidate, self.floor)
