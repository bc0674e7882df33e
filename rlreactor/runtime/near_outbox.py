"""The outbox of a worker that shares memory with all others: what is usual goes the short way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rlreactor.links.carrier import Carrier
from rlreactor.links.doorbell import ring_all
from rlreactor.runtime.audience import Audience
from rlreactor.runtime.outbox import Outbox
from rlreactor.runtime.position import Position
from rlreactor.runtime.post import IS_OPEN, Outgoing, Post
from rlreactor.scheduler.edges import Triple
from rlreactor.scheduler.frontier import Frontiers
from rlreactor.scheduler.outlet import Outlet
from rlreactor.tag import Point

if TYPE_CHECKING:
    from rlreactor.runtime.waiting import Waiting

__all__ = ["NearOutbox", "outbox_of"]


class NearOutbox(Outbox):
    """See `Outbox`.

    Attributes:
        post: the short way.
    """

    def __init__(self, carrier: Carrier, frontiers: Frontiers, audience: Audience, me: int) -> None:
        super().__init__(carrier, frontiers, audience, me)
        own, words = carrier.own_words, carrier.shared_words
        assert own is not None
        self._own = own
        self._ways = {w: Outgoing(words[w], w, self._bells[w], self.sent_at) for w in words}

    def join(self, position: Position, waiting: Waiting) -> None:
        super().join(position, waiting)
        listeners = tuple([(listener.worker, listener.edges) for listener in self._audience.listeners])
        self.post = Post(self._unsent, self._ways, listeners, self._own, self._frontiers, position)

    @property
    def adder(self) -> Callable[[Outlet], None]:
        return self.post.add

    @property
    def is_empty(self) -> bool:
        return self.post.is_empty

    def flush(self, rank: int) -> None:
        if self.post.flush(rank):
            self.send_rest(rank)

    def send_rest(self, rank: int) -> None:
        """Send what has to go the long way, and say what had to wait for that."""
        ring_all([self._bells[worker] for worker in self._hand_over(rank)])
        self.post.catch_up(rank)

    def finish(self, ranks: int) -> None:
        if self.post.finish(ranks):
            self.send_rest(ranks)

    def ring(self) -> None:
        self.post.ring()

    def tell(self, frontier: Triple) -> None:
        self.post.tell(frontier)

    def say(self, frontier: Triple, head: Point) -> None:
        self.post.say(frontier, head)

    def promise(self, candidate: Point, head: Point) -> None:
        self.post.promise(candidate, head)

    @property
    def frontier(self) -> Triple:
        return self.post.frontier

    def _publish(self, frontier: Triple, head: Point, *, news: bool = True) -> None:
        self.post.publish(frontier, head, news)

    def tell_everybody(self) -> None:
        if not self.post.is_told:
            self.post.is_told = True
            self._board.tell_idle()
            ring_all(self._other_bells)


def outbox_of(carrier: Carrier, frontiers: Frontiers, audience: Audience, me: int) -> Outbox:
    """The outbox that suits a carrier."""
    kind = NearOutbox if IS_OPEN and carrier.own_words is not None else Outbox
    return kind(carrier, frontiers, audience, me)
