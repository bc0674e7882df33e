"""What arrives by the short way between workers that share memory: straight from the ring into cells.

Whatever is not usual goes the long way, by `Outbox` and `Intake`, which can do it all: long messages, a full ring, a
stop, a physical connection, a snapshot that is being taken. So nothing need be done here, and as it stands nothing is;
`arrivals.c` is the short way in. Both ways may take turns at any message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from rlreactor.links.ends import Bell
from rlreactor.links.shared_words import SharedWords
from rlreactor.scheduler.horizon import Horizon
from rlreactor.tag import Point

if TYPE_CHECKING:
    from rlreactor.runtime.inlet import RemotePort
    from rlreactor.runtime.position import Position

__all__ = ["IS_OPEN", "NEWS", "NOTHING", "UNUSUAL", "Arrivals", "Incoming", "Tally"]

IS_OPEN = False
"""Whether there is a short way: in C only."""
NOTHING, NEWS, UNUSUAL = 0, 1, 2


class Tally(NamedTuple):
    """What both ways count, by worker: versions seen, messages that wait for their tag, messages taken in."""

    seen: list[int]
    backlog: list[int]
    received_from: list[int]


class Incoming:
    """From `worker`.

    Args:
        words: shared with it.
        bell: its.
        early: wake it as soon as there is something to answer, if it waits for that.
        horizon: of this worker, which it moves.
        ports: of it, by index.
        position: of this worker.
        tally: kept by both ways.
        longest: bytes of a value; longer ones go the long way.
        most: messages that may wait for their tag; more of them go the long way.

    Attributes:
        after: what was sent up to this tag is not wanted.
    """

    after: Point

    def __init__(
        self,
        words: SharedWords,
        worker: int,
        bell: Bell,
        early: bool,
        horizon: Horizon,
        ports: Mapping[int, RemotePort],
        position: Position,
        tally: Tally,
        longest: int,
        most: int,
    ) -> None:
        pass

    def receive(self) -> int:
        """Take in what has come: NOTHING, NEWS, or UNUSUAL when the rest has to go the long way."""
        return UNUSUAL


class Arrivals:
    """From all the others, where there is a short way from each of them.

    Attributes:
        is_usual: whether anything may go the short way now.
    """

    is_usual: bool

    def __init__(self, incoming: tuple[Incoming, ...]) -> None:
        pass

    def look(self, looks: int, /) -> bool:
        """Look so often whether anything has come from one of them."""
        raise NotImplementedError
