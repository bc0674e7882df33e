"""A look at everybody at once: it shows what frontiers, which tell of one worker each, never bring to light."""

from __future__ import annotations

from rlreactor.links.carrier import Carrier
from rlreactor.links.status import Snapshot
from rlreactor.runtime.intake import Intake
from rlreactor.scheduler.frontier import Frontiers
from rlreactor.scheduler.scheduler import Scheduler
from rlreactor.tag import FOREVER, Point

__all__ = ["Lookout"]


class Lookout:
    """Worker `me`, looking at all others.

    Attributes:
        outlasts_timeout: whether somebody has an event beyond the timeout: that is where the program ends.
    """

    def __init__(self, carrier: Carrier, frontiers: Frontiers, intake: Intake, me: int) -> None:
        self._board = carrier.board
        self._frontiers = frontiers
        self._intake = intake
        self._others = [w for w in range(self._board.workers) if w != me]
        self.outlasts_timeout = False

    def join(self, scheduler: Scheduler) -> None:
        """Connect with the worker's scheduler."""
        self._scheduler = scheduler
        self.outlasts_timeout = scheduler.keepalive

    def look(self) -> bool:
        """Whether what is seen allows more than was known."""
        snapshot = self._board.snapshot() or self._board.snapshot()
        if snapshot is None:
            return False
        before = self._frontiers.floor, self.outlasts_timeout
        earliest = min([status.head for status in snapshot.statuses])
        gone = any([self._board.gone(w) for w in self._others])  # then the stop is known, or it is the timeout
        if earliest == FOREVER and snapshot.quiet and not gone and not self._scheduler.keepalive:
            self._run_dry(snapshot)
            return True
        if snapshot.quiet:
            self.outlasts_timeout = gone or (earliest >= self._scheduler.stop and earliest != FOREVER)
        unread = {w for w, sent in enumerate(snapshot.sent_here) if sent != self._intake.received_from[w]}
        self._frontiers.raise_floor(snapshot.statuses, unread, self._scheduler.stop)
        return (self._frontiers.floor, self.outlasts_timeout) != before

    def _run_dry(self, snapshot: Snapshot) -> None:
        """Nothing is left to happen anywhere: the program stops one microstep after its last event."""
        last: Point = max([status.last for status in snapshot.statuses])
        self._intake.adopt_stop((last[0], last[1] + 1), dry=True)
        self._intake.pass_on_stop()
