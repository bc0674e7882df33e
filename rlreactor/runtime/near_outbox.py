"""The outbox of a worker that shares memory with all others: what is usual goes the short way."""

from __future__ import annotations

from collections.abc import Callable

from rlreactor.links.carrier import Carrier
from rlreactor.links.doorbell import ring_all
from rlreactor.runtime.audience import Audience
from rlreactor.runtime.outbox import Outbox
from rlreactor.runtime.post import IS_OPEN, Outgoing, Post
from rlreactor.scheduler.edges import Triple
from rlreactor.scheduler.frontier import Frontiers
from rlreactor.scheduler.outlet import Outlet
from rlreactor.tag import Point

__all__ = ["NearOutbox", "outbox_of"]


class NearOutbox(Outbox):
    """See `Outbox`."""

    def __init__(self, carrier: Carrier, frontiers: Frontiers, audience: Audience, me: int) -> None:
        super().__init__(carrier, frontiers, audience, me)
        own, words = carrier.own_words, carrier.shared_words
        assert own is not None
        ways = {w: Outgoing(words[w], w, self._bells[w], self.sent_at) for w in words}
        listeners = tuple([(listener.worker, listener.edges) for listener in audience.listeners])
        self._post = Post(self._unsent, ways, listeners, own, frontiers)

    @property
    def adder(self) -> Callable[[Outlet], None]:
        return self._post.add

    def flush(self, rank: int) -> None:
        tag = self._position.execution.tag
        news = self._post.flush(tag, rank)
        if self._unsent:
            ring_all([self._bells[worker] for worker in self._hand_over(rank)])
        if news:
            self._publish((tag[0], tag[1], rank), self._position.head())
            self._audience.wake(self._board)

    def finish(self, ranks: int) -> None:
        self._post.finish(self._position.execution.tag, ranks)
        if self._unsent:
            self._hand_over(ranks)

    def ring(self) -> None:
        self._post.ring()

    def tell(self, frontier: Triple) -> None:
        position = self._position
        self._post.tell(frontier, position.head(), position.last, position.received)

    def say(self, frontier: Triple, head: Point) -> None:
        position = self._position
        self._post.say(frontier, head, position.last, position.received)

    def promise(self, candidate: Point, head: Point) -> None:
        position = self._position
        self._post.promise(candidate, head, position.last, position.received)

    @property
    def frontier(self) -> Triple:
        return self._post.frontier

    def _publish(self, frontier: Triple, head: Point, *, news: bool = True) -> None:
        position = self._position
        self._post.publish(frontier, head, position.last, position.received, news)

    def tell_everybody(self) -> None:
        if not self._post.is_told:
            self._post.is_told = True
            self._board.tell_idle()
            ring_all(self._other_bells)


def outbox_of(carrier: Carrier, frontiers: Frontiers, audience: Audience, me: int) -> Outbox:
    """The outbox that suits a carrier."""
    kind = NearOutbox if IS_OPEN and carrier.own_words is not None else Outbox
    return kind(carrier, frontiers, audience, me)
