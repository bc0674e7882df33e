"""How far routes are known: the earliest tag at which something can still arrive over each of them. No I/O.

A frontier that a worker promises moves all its edges. `edges.c` is the same in C.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from rlreactor.scheduler.cadence import following
from rlreactor.scheduler.routes import Route
from rlreactor.tag import FOREVER, Point, earlier

__all__ = ["Edges", "InEdge", "Triple", "before"]

Triple = tuple[int, int, int]
_LAST: Final = FOREVER.time
_NOTHING_DUE: Final[Triple] = (_LAST, _LAST, _LAST)


def before(one: Triple, other: Triple) -> bool:
    """`one < other`, as `tag.earlier`."""
    if one[0] != other[0]:
        return one[0] < other[0]
    return one[1] < other[1] or (one[1] == other[1] and one[2] < other[2])


class InEdge:
    """A route, and how far it is known.

    Attributes:
        source, writer, delay, reader: of the route.
        first_rank: of what waits here; a stop concerns everybody.
        earliest: tag of the next possible arrival.
        due: up to here, frontiers tell nothing new.
    """

    __slots__ = (
        "_at_any_tag", "_first", "_microsteps", "_period", "_time", "delay", "due", "earliest", "first_rank", "reader",
        "source", "writer",
    )  # fmt: skip

    def __init__(self, route: Route) -> None:
        self.source, self.writer, self.delay, self.reader, cadence = route
        self._time, self._microsteps = self.delay.time, self.delay.microsteps
        self._at_any_tag = cadence is None
        self._first, self._period = (0, 1) if cadence is None else cadence
        self.first_rank = max(self.reader, 0)
        self.earliest: Point = (0, 0)
        self.due: Triple = (0, 0, -1)
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
        shift = self._time  # as `Delay.added_to`
        arrival = (min(time + shift, _LAST), self._microsteps) if shift else (time, microstep + self._microsteps)
        if not earlier(self.earliest, arrival):
            return False
        self.earliest = arrival
        return True

    def fall_back(self, stop: Point) -> None:
        """What was promised for after `stop` did not reckon with it, and is void."""
        self.earliest = min(self.earliest, stop)
        self.due = (0, 0, -1)


class Edges:
    """Several edges, told and asked in one go.

    Attributes:
        due: up to here, frontiers tell none of them anything new; kept where they are told.
    """

    __slots__ = ("_edges", "_moved", "due")

    def __init__(self, edges: Iterable[InEdge]) -> None:
        self._edges = tuple(edges)
        self._moved: list[tuple[int, int]] = []  # what had to be reckoned with before and after the last frontier
        self.due: Triple = (0, 0, -1)

    def __iter__(self) -> Iterator[InEdge]:
        return iter(self._edges)

    # Told

    def advance(self, frontier: Triple) -> bool:
        """Their source promised this; whether that tells any of them anything new."""
        moved = self._moved
        moved.clear()
        if not before(self.due, frontier):
            return False
        due = _NOTHING_DUE
        for edge in self._edges:
            time = edge.earliest[0]
            if edge.advance(frontier):
                moved.append((time, edge.earliest[0]))
            if before(edge.due, due):
                due = edge.due
        self.due = due
        return bool(moved)

    def fall_back(self, stop: Point) -> None:
        """What was promised for after `stop` is void."""
        self.due = (0, 0, -1)
        self._moved.clear()
        for edge in self._edges:
            edge.fall_back(stop)

    # Asked

    def moved_past(self, time: int) -> bool:
        """Whether the last frontier moved one of them from this logical time or before to this or later."""
        return any([begin <= time <= end for begin, end in self._moved])

    def earliest(self) -> Point:
        """The tag of the next possible arrival; FOREVER if there is none."""
        found: Point = FOREVER
        for edge in self._edges:
            if earlier(edge.earliest, found):
                found = edge.earliest
        return found

    def all_after(self, tag: Point) -> bool:
        """Whether nothing can arrive any more at `tag` or before."""
        return all(earlier(tag, edge.earliest) for edge in self._edges)

    def reached(self, candidate: Point, floor: Point) -> Triple:
        """How far a worker is that would process `candidate` next, unless something arrives; nothing does before
        `floor`."""
        best: Triple = (candidate[0], candidate[1], 0)
        for edge in self._edges:
            arrival = edge.earliest
            if earlier(arrival, floor):
                arrival = floor
            if not earlier(candidate, arrival):
                found = (arrival[0], arrival[1], edge.first_rank)
                if before(found, best):
                    best = found
        return best
