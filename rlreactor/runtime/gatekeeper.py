"""Lets tags start and reactions pass their gates while nothing unusual happens.

What is not usual is left to `Admission` and `Neighbourhood`, which can do it all: to look at everybody, a stop, a
snapshot, what goes the long way, a wait that lasts. So nothing need be done here, and as it stands nothing is;
`gatekeeper.c` does what is usual. Both may take turns at any tag.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlreactor.access import Cell
from rlreactor.links.slotted import Lease
from rlreactor.runtime.arrivals import Arrivals
from rlreactor.runtime.position import Position
from rlreactor.runtime.post import Post
from rlreactor.runtime.rest import Rest
from rlreactor.scheduler.horizon import Horizon
from rlreactor.tag import Point

if TYPE_CHECKING:
    from rlreactor.runtime.admission import Admission
    from rlreactor.runtime.intake import Intake
    from rlreactor.runtime.near_outbox import NearOutbox
    from rlreactor.runtime.neighbourhood import Neighbourhood

__all__ = ["IS_OPEN", "Gatekeeper"]

IS_OPEN = False
"""Whether there is one: in C only."""


class Gatekeeper:
    """A `Passage` between the reactions of one worker.

    Args:
        neighbourhood: does what is not usual at the end of a tag.
        admission: of it; does what is not usual before a tag and at a gate.
        outbox, intake: of it; what `post` leaves goes by the outbox.
        ended: slots that the intake gives back at the end of a tag.
        post, arrivals: the short ways.
        rest: until there is news, once everybody was told that this worker waits.
        horizon, position: of this worker.
        timeout: tags from here on are not usual.
        ranks: how many reactions there are.
        looks: before it takes longer.
        shares: whether others may want the core meanwhile: they have it after each look.
        most_approaches: to one tag before a look at everybody, as frontiers may only creep.
        told_every: tags after which a worker that sent nothing says how far it is.

    Attributes:
        interrupted: whether this worker was told to stop.
        waited_ns: how long it has looked in all.
    """

    interrupted: bool
    waited_ns: int

    def __init__(
        self,
        neighbourhood: Neighbourhood,
        admission: Admission,
        outbox: NearOutbox,
        intake: Intake,
        ended: list[tuple[Cell | None, Lease]],
        post: Post,
        arrivals: Arrivals,
        rest: Rest,
        horizon: Horizon,
        position: Position,
        timeout: Point,
        ranks: int,
        looks: int,
        shares: bool,
        most_approaches: int,
        told_every: int,
    ) -> None:
        pass

    def clear(self, tag: Point, /) -> bool:
        """As `Passage.clear`."""
        raise NotImplementedError

    def approach(self) -> bool:
        """As `Passage.approach`."""
        raise NotImplementedError

    def at_gate(self, rank: int, /) -> bool:
        """As `Passage.at_gate`."""
        raise NotImplementedError

    def done(self, rank: int, /) -> None:
        """As `Passage.done`."""
        raise NotImplementedError

    def reacted(self) -> None:
        """As `Passage.reacted`."""
        raise NotImplementedError

    def tag_done(self) -> None:
        """As `Passage.tag_done`."""
        raise NotImplementedError
