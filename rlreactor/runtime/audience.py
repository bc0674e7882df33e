"""Those who read from a worker: what they know of it, and who has to be woken for more."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rlreactor.links.ends import Bell
from rlreactor.links.status_board import StatusBoard
from rlreactor.links.words import fence
from rlreactor.scheduler.edges import Edges, InEdge, Triple
from rlreactor.scheduler.routes import Routes
from rlreactor.tag import Point

__all__ = ["Audience"]


class _Listener:
    """One worker that reads from this one."""

    def __init__(self, worker: int, bell: Bell, delay: int, edges: Edges) -> None:
        self.worker = worker
        self.bell = bell
        self.delay = delay  # ns, the shortest
        self.edges = edges  # as the listener knows them by what it was told


class Audience:
    """The listeners of worker `me`."""

    def __init__(self, routes: Routes, me: int, bells: Sequence[Bell]) -> None:
        self.listeners = [
            _Listener(worker, bells[worker], delay, Edges(InEdge(r) for r in routes.incoming[worker] if r.source == me))
            for worker, delay in routes.audience(me).items()
        ]

    def learn(self, frontier: Triple, told: Collection[int] = ()) -> bool:
        """Whether `frontier` makes a difference to anybody who is not among those `told`."""
        news = False
        for listener in self.listeners:
            if listener.edges.advance(frontier) and listener.worker not in told:
                news = True
        return news

    def read(self, frontier: Triple, workers: Collection[int]) -> None:
        """These workers find `frontier` in a message."""
        for listener in self.listeners:
            if listener.worker in workers:
                listener.edges.advance(frontier)

    def fall_back(self, stop: Point) -> None:
        """What they were promised for after `stop` is void."""
        for listener in self.listeners:
            listener.edges.fall_back(stop)

    def wake(self, board: StatusBoard) -> None:
        """Wake those to whom what has been published makes a difference, if they wait for it.

        One edge is enough: at a gate, they wait for those alone that their next reaction reads.
        """
        fence()
        for listener in self.listeners:
            if listener.edges.moved_past(board.wanted(listener.worker)):
                listener.bell.ring_after_fence()
