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
from rlreactor.scheduler.edges import InEdge
from rlreactor.scheduler.horizon import Horizon
from rlreactor.scheduler.routes import Routes
from rlreactor.tag import FOREVER, Point

__all__ = ["Frontiers"]


class Frontiers(Horizon):
    """What one worker knows of the others.

    Attributes:
        gates: the ranks before which it may have to wait, in order.
        sources: the workers that send it anything.
    """

    def __init__(self, routes: Routes, me: int) -> None:
        super().__init__(InEdge(route) for route in routes.incoming[me])
        self._distance = [row[me] for row in routes.distance]
        self.gates = tuple(self.at_gate)
        self.sources = tuple(self.of_worker)

    def run_dry(self, stop: Point) -> None:
        """Nothing happens before `stop`, and at `stop` only what shutdown reactions start.

        A worker with nothing to do promises for ever, or up to the timeout. Such a promise did not reckon with this
        stop: it is void, until the worker is known to have heard of it and promises anew.
        """
        self.floor = stop
        self.unaware.update(self.sources)
        for edges in self.of_worker.values():
            edges.fall_back(stop)
        self.refresh()

    def heard_of_stop(self, worker: int) -> None:
        """What `worker` promises from now on reckons with the stop."""
        self.unaware.discard(worker)

    def blocking(self, tag: Point, gate: int | None = None) -> list[InEdge]:
        """The edges that `tag` (its start, or its gate) still waits for."""
        edges = self.edges if gate is None else self.at_gate[gate]
        strict = edges if gate is not None else self.stopping
        return [e for e in edges if e.earliest < tag or (e.earliest == tag and e in strict)]

    def raise_floor(self, statuses: Sequence[Status], unread: Collection[int], stop: Point) -> None:
        """Use a snapshot. What comes from `unread` workers and was not read yet lies where their edges say."""
        arrivals = [
            delay.added_to(status.head)
            for status, delay in zip(statuses, self._distance, strict=True)
            if delay is not None and status.head != FOREVER
        ]
        arrivals += [edge.earliest for edge in self.edges if edge.source in unread]
        self.floor = max(self.floor, min([*arrivals, stop]))
        self.refresh()
