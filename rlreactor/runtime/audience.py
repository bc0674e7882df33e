"""Those who read from a worker: what they know of it, and who has to be woken for more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from rlreactor.links.ends import Bell
from rlreactor.links.status_board import StatusBoard
from rlreactor.links.words import fence
from rlreactor.scheduler.frontier import InEdge, Triple, before
from rlreactor.scheduler.routes import Routes
from rlreactor.tag import FOREVER, Point, earlier

__all__ = ["Audience"]

NOTHING_DUE: Final[Triple] = (FOREVER.time + 1, 0, 0)


class _Listener:
    """One worker that reads from this one."""

    def __init__(self, worker: int, bell: Bell, delay: int, edges: list[InEdge]) -> None:
        self.worker = worker
        self.bell = bell
        self.delay = delay  # ns, the shortest
        self.edges = edges  # as the listener knows them by what it was told
        self.due: Triple = (0, 0, -1)  # up to here, frontiers tell it nothing new
        self.earliest = self.before = self._earliest()  # what it has to reckon with next, and had before the last news

    def learn(self, frontier: Triple) -> bool:
        news = False
        due = NOTHING_DUE
        earliest: Point = FOREVER
        for edge in self.edges:
            if edge.advance(frontier):
                news = True
            if before(edge.due, due):
                due = edge.due
            if earlier(edge.earliest, earliest):
                earliest = edge.earliest
        self.due, self.earliest = due, earliest
        return news

    def fall_back(self, stop: Point) -> None:
        self.due = (0, 0, -1)
        for edge in self.edges:
            edge.fall_back(stop)
        self.earliest = self.before = self._earliest()

    def _earliest(self) -> Point:
        return min([edge.earliest for edge in self.edges], default=FOREVER)

    def waits_for_news(self, wanted: int) -> bool:
        """Whether the last news may let it go on, if it waits for the logical time `wanted`."""
        return self.before != self.earliest and self.before[0] <= wanted <= self.earliest[0]


class Audience:
    """The listeners of worker `me`."""

    def __init__(self, routes: Routes, me: int, bells: Sequence[Bell]) -> None:
        self.listeners = [
            _Listener(worker, bells[worker], delay, [InEdge(r) for r in routes.incoming[worker] if r.source == me])
            for worker, delay in routes.audience(me).items()
        ]

    def learn(self, frontier: Triple, told: Collection[int] = ()) -> bool:
        """Whether `frontier` makes a difference to anybody who is not among those `told`."""
        news = False
        for listener in self.listeners:
            listener.before = listener.earliest
            if before(listener.due, frontier) and listener.learn(frontier) and listener.worker not in told:
                news = True
        return news

    def read(self, frontier: Triple, workers: Collection[int]) -> None:
        """These workers find `frontier` in a message."""
        for listener in self.listeners:
            if listener.worker in workers and before(listener.due, frontier):
                listener.learn(frontier)

    def fall_back(self, stop: Point) -> None:
        """What they were promised for after `stop` is void."""
        for listener in self.listeners:
            listener.fall_back(stop)

    def wake(self, board: StatusBoard) -> None:
        """Wake those to whom what has been published makes a difference."""
        fence()
        for listener in self.listeners:
            if listener.waits_for_news(board.wanted(listener.worker)):
                listener.bell.ring_after_fence()
