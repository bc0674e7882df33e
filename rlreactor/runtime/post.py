"""What leaves by the short way between workers that share memory: straight from values into the ring.

Whatever is not usual goes the long way, by `Outbox` and `Intake`, which can do it all: long messages, a full ring, a
stop, a physical connection, a snapshot that is being taken. So nothing need be done here, and as it stands nothing is;
`post.c` is the short way out. Both ways may take turns at any message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlreactor.links.ends import Bell
from rlreactor.links.shared_words import OwnWords, SharedWords
from rlreactor.scheduler.edges import Edges, Triple
from rlreactor.scheduler.horizon import Horizon
from rlreactor.tag import Point

if TYPE_CHECKING:
    from rlreactor.runtime.position import Position
    from rlreactor.scheduler.outlet import Outlet

__all__ = ["IS_OPEN", "Outgoing", "Post"]

IS_OPEN = False
"""Whether there is a short way: in C only."""


class Outgoing:
    """To `worker`, whose bell is `bell`. `sent_at` is the outbox's."""

    def __init__(self, words: SharedWords, worker: int, bell: Bell, sent_at: list[int]) -> None:
        pass


class Post:
    """To all workers, where there is a short way to each of them.

    Args:
        unsent: entries of the next notice that have to go the long way, by worker.
        outgoing: by worker.
        listeners: those who read from this worker, and their edges.
        own: words of this worker.
        horizon: of this worker.
        position: of this worker.

    Attributes:
        frontier: that was published last.
        is_empty: whether nothing waits to be sent, either way.
        is_told: whether everybody knows what was published last.
    """

    frontier: Triple
    is_empty: bool
    is_told: bool

    def __init__(
        self,
        unsent: dict[int, list[bytes]],
        outgoing: dict[int, Outgoing],
        listeners: tuple[tuple[int, Edges], ...],
        own: OwnWords,
        horizon: Horizon,
        position: Position,
    ) -> None:
        pass

    def add(self, outlet: Outlet, /) -> None:
        """As `Outbox.add`."""
        raise NotImplementedError

    def flush(self, rank: int, /) -> bool:
        """As `Outbox.flush`; whether anything is in `unsent`, after which `catch_up` says what is to be said."""
        raise NotImplementedError

    def finish(self, ranks: int, /) -> bool:
        """As `Outbox.finish`; whether anything is in `unsent`."""
        raise NotImplementedError

    def catch_up(self, rank: int, /) -> None:
        """What was left has gone the long way: say what a `flush` could not say before."""
        raise NotImplementedError

    def ring(self) -> None:
        """Wake those to whom the last `finish` sent anything."""
        raise NotImplementedError

    def publish(self, frontier: Triple, head: Point, news: bool, /) -> None:
        """Replace the status of this worker, if it differs."""
        raise NotImplementedError

    def tell(self, frontier: Triple, /) -> None:
        """Publish and wake if the frontier is news to anybody."""
        raise NotImplementedError

    def say(self, frontier: Triple, head: Point, /) -> None:
        """Publish in any case, and wake if the frontier is news to anybody."""
        raise NotImplementedError

    def promise(self, candidate: Point, head: Point, /) -> None:
        """Say what follows if this worker would process `candidate` next."""
        raise NotImplementedError
