"""Those who read from a worker: what they know of it, and who has to be woken for more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from rlreactor.links.ends import Bell
from rlreactor.links.status_board import StatusBoard
from rlreactor.links.words import fence
from rlreactor.scheduler.frontier import InEdge, Triple, before
from rlreactor.scheduler.routes import Routes
from rlreactor.tag import FOREVER, Point

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
        self.moved: list[tuple[int, int]] = []  # what it had to reckon with on an edge before and after the last news

    def learn(self, frontier: Triple) -> bool:
        moved, due = self.moved, NOTHING_DUE
        moved.clear()
        for edge in self.edges:
            time = edge.earliest[0]
            if edge.advance(frontier):
                moved.append((time, edge.earliest[0]))
            if before(edge.due, due):
                due = edge.due
        self.due = due
        return bool(moved)

    def fall_back(self, stop: Point) -> None:
        self.due = (0, 0, -1)
        self.moved.clear()
        for edge in self.edges:
            edge.fall_back(stop)

    def waits_for_news(self, wanted: int) -> bool:
        """Whether the last news may let it go on, if it waits for the logical time `wanted`.

        One edge is enough: at a gate, it waits for those alone that its next reaction reads.
        """
        return any([time <= wanted <= now for time, now in self.moved])


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
            if not before(listener.due, frontier):
                listener.moved.clear()
            elif listener.learn(frontier) and listener.worker not in told:
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
