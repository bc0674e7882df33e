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

from collections.abc import Collection, Sequence

from rlreactor.links.status import Status
from rlreactor.scheduler.cadence import following
from rlreactor.scheduler.routes import STOP, Route, Routes
from rlreactor.tag import FOREVER, Point, Tag, earlier

__all__ = ["Frontiers", "InEdge", "Triple", "before"]

Triple = tuple[int, int, int]


def before(one: Triple, other: Triple) -> bool:
    """`one < other`, as `tag.earlier`."""
    if one[0] != other[0]:
        return one[0] < other[0]
    return one[1] < other[1] or (one[1] == other[1] and one[2] < other[2])


class InEdge:
    """A route, and how far it is known."""

    __slots__ = (
        "_at_any_tag", "_first", "_microsteps", "_period", "_time", "delay", "due", "earliest", "first_rank", "reader",
        "source", "writer",
    )  # fmt: skip

    def __init__(self, route: Route) -> None:
        self.source, self.writer, self.delay, self.reader, cadence = route
        # As plain numbers: what a tuple holds is unpacked at every look.
        self._time, self._microsteps = self.delay.time, self.delay.microsteps
        self._at_any_tag = cadence is None
        self._first, self._period = (0, 1) if cadence is None else cadence
        self.first_rank = max(self.reader, 0)  # of what waits here; a stop concerns everybody
        self.earliest: Point = (0, 0)  # tag of the next possible arrival
        self.due: Triple = (0, 0, -1)  # up to here, frontiers tell nothing new
        self.advance((0, 0, 0))

    def advance(self, frontier: Triple) -> bool:
        """The source promised this. Whether that tells anything new; it may have promised more before."""
        if not before(self.due, frontier):
            return False
        time, microstep, rank = frontier
        if self._at_any_tag:
            microstep += rank > self.writer
        else:
            time = following(self._first, self._period, time + 1 if microstep or rank > self.writer else time)
            microstep = 0
        self.due = time, microstep, self.writer
        shift = self._time  # as `Delay.added_to`, which would be a third of all this
        arrival = (time + shift, self._microsteps) if shift else (time, microstep + self._microsteps)
        if not earlier(self.earliest, arrival):
            return False
        self.earliest = arrival
        return True

    def fall_back(self, stop: Point) -> None:
        """What was promised for after `stop` did not reckon with it, and is void."""
        self.earliest = min(self.earliest, stop)
        self.due = (0, 0, -1)


class Frontiers:
    """What one worker knows of the others."""

    def __init__(self, routes: Routes, me: int) -> None:
        self._distance = [row[me] for row in routes.distance]
        self.edges = [InEdge(route) for route in routes.incoming[me]]
        self._stops = [edge for edge in self.edges if edge.reader == STOP]
        self._of_worker: dict[int, list[InEdge]] = {}
        self._gates: dict[int, list[InEdge]] = {}  # by rank of the reaction that is the first to read them
        for edge in self.edges:
            self._of_worker.setdefault(edge.source, []).append(edge)
            if edge.reader != STOP:
                self._gates.setdefault(edge.reader, []).append(edge)
        self.gates = tuple(sorted(self._gates))
        self.sources = tuple(sorted(self._of_worker))
        self._unaware: set[int] = set()
        self.known: Point = FOREVER  # nothing can arrive before this tag, by the frontiers
        self.floor: Point = Tag(0, 0)  # nor before this one, by the last snapshot
        self.latest: Point = FOREVER  # a tag may start if it is not after this
        self.stops: Point = FOREVER  # and before this: from here on somebody may still ask for a stop
        self._refresh()

    def _refresh(self) -> None:
        known: Point = FOREVER
        for edge in self.edges:
            if earlier(edge.earliest, known):
                known = edge.earliest
        stops: Point = FOREVER
        for edge in self._stops:
            if earlier(edge.earliest, stops):
                stops = edge.earliest
        floor = self.floor
        self.known = known
        self.latest = known if earlier(floor, known) else floor
        self.stops = stops if earlier(floor, stops) else floor

    def run_dry(self, stop: Point) -> None:
        """Nothing happens before `stop`, and at `stop` only what shutdown reactions start.

        A worker with nothing to do promises for ever, or up to the timeout. Such a promise did not reckon with this
        stop: it is void, until the worker is known to have heard of it and promises anew.
        """
        self.floor = stop
        self._unaware = set(self.sources)
        for edge in self.edges:
            edge.fall_back(stop)
        self._refresh()

    def heard_of_stop(self, worker: int) -> None:
        """What `worker` promises from now on reckons with the stop."""
        self._unaware.discard(worker)

    def advance(self, worker: int, frontier: Triple) -> None:
        """`worker` promised more."""
        if worker in self._unaware:
            return
        news = False
        for edge in self._of_worker.get(worker, ()):
            if edge.advance(frontier):
                news = True
        if news:
            self._refresh()

    def known_before(self, tag: Point) -> bool:
        """Whether nothing can arrive any more before `tag`, nor a stop request for `tag` itself.

        Never so for FOREVER: that the program has run dry only a snapshot can tell.
        """
        if tag == FOREVER or earlier(tag, self.floor):
            return tag != FOREVER
        return (tag == self.floor or not earlier(self.known, tag)) and self._stops_known(tag)

    def _stops_known(self, tag: Point) -> bool:
        return all(earlier(tag, edge.earliest) for edge in self._stops)

    def known_at(self, tag: Point, gate: int) -> bool:
        """Whether nothing can arrive any more at `tag` for the reaction of rank `gate`."""
        for edge in self._gates[gate]:
            if not earlier(tag, edge.earliest):
                return earlier(tag, self.floor)
        return True

    def blocking(self, tag: Point, gate: int | None = None) -> list[InEdge]:
        """The edges that `tag` (its start, or its gate) still waits for."""
        edges = self.edges if gate is None else self._gates[gate]
        strict = edges if gate is not None else self._stops
        return [e for e in edges if e.earliest < tag or (e.earliest == tag and e in strict)]

    def promise(self, candidate: Point) -> Triple:
        """The frontier of this worker when it has finished its tags and would process `candidate` next."""
        best: Triple = (candidate[0], candidate[1], 0)
        floor = self.floor
        for edge in self.edges:
            arrival = edge.earliest
            if earlier(arrival, floor):
                arrival = floor
            if not earlier(candidate, arrival):
                reached = (arrival[0], arrival[1], edge.first_rank)
                if before(reached, best):
                    best = reached
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
        self._refresh()
