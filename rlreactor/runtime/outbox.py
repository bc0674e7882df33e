"""What a worker lets the others know: values, how far it is, that the program stops."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from rlreactor.links import wire
from rlreactor.links.carrier import Carrier
from rlreactor.links.doorbell import ring_all
from rlreactor.links.status import Status, StatusFields
from rlreactor.links.words import fence
from rlreactor.runtime.audience import Audience
from rlreactor.runtime.position import Position
from rlreactor.scheduler.edges import Triple
from rlreactor.scheduler.frontier import Frontiers
from rlreactor.scheduler.outlet import Outlet
from rlreactor.tag import FOREVER, Point

if TYPE_CHECKING:
    from rlreactor.runtime.waiting import Waiting

__all__ = ["Outbox"]


class Outbox:
    """The messages and statuses of worker `me`.

    Attributes:
        writers: by worker.
        sent_at: by worker, the version of its status before the last message to it.
    """

    def __init__(self, carrier: Carrier, frontiers: Frontiers, audience: Audience, me: int) -> None:
        self._board = carrier.board
        self._frontiers = frontiers
        self._bells = carrier.bells
        self._audience = audience
        self._near = frozenset(carrier.near)
        self._other_bells = [bell for w, bell in enumerate(self._bells) if w != me]
        self.writers = carrier.writers
        self.sent_at = [-1] * self._board.workers
        self._status: StatusFields = Status.initial()
        self._is_told = True  # to everybody
        self._told: Collection[int] = ()  # who got something with the last `finish`
        self._unsent: dict[int, list[bytes]] = {}  # by worker: entries of the next notice

    def join(self, position: Position, waiting: Waiting) -> None:
        """Connect with the worker's scheduler."""
        self._position = position
        self._waiting = waiting

    # Values

    def add(self, outlet: Outlet) -> None:
        """A value for every worker that reads the port: it leaves as soon as that lets anybody go on."""
        slots = outlet.slots
        if slots is not None:
            entry = wire.entry(outlet.index, slots.sent())
        elif outlet.lies_in_memory:
            entry = wire.inline(outlet.index, outlet.storage.stored)
        else:
            entry = wire.inline(outlet.index, outlet.spec.encode(outlet.cell.value))
        unsent = self._unsent
        for worker in outlet.remote:
            if worker in unsent:
                unsent[worker].append(entry)
            else:
                unsent[worker] = [entry]

    @property
    def adder(self) -> Callable[[Outlet], None]:
        """`add`, or what does the same without a detour."""
        return self.add

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be sent."""
        return not self._unsent

    def flush(self, rank: int) -> None:
        """Send the messages of this tag; with them, this worker has sent all that comes before `rank`."""
        time, microstep = self._position.execution.tag
        news = self._audience.learn((time, microstep, rank), told=self._unsent)
        ring_all([self._bells[worker] for worker in self._hand_over(rank)])
        if news:
            self._publish((time, microstep, rank), self._position.head())
            self._audience.wake(self._board)

    def done(self, rank: int) -> None:
        """Every reaction up to `rank` has run: send what waits, or say that there is nothing."""
        if self.is_empty:
            time, microstep = self._position.execution.tag
            self.tell((time, microstep, rank + 1))
        else:
            self.flush(rank + 1)

    def finish(self, ranks: int) -> None:
        """Send what is left at the end of a tag of so many ranks; `ring` wakes who gets any."""
        time, microstep = self._position.execution.tag
        self._audience.read((time, microstep, ranks), self._unsent)
        self._told = self._hand_over(ranks)

    def ring(self) -> None:
        """Wake those who were sent something and see this worker's memory: to others the message itself is a ring."""
        fence()
        for worker in self._told:
            if worker in self._near:
                self._bells[worker].ring_after_fence()

    def _hand_over(self, rank: int) -> Collection[int]:
        unsent = dict(self._unsent)
        self._unsent.clear()
        tag = self._position.execution.tag
        for worker, entries in unsent.items():
            most = self.writers[worker].most_entries
            while len(entries) > most:
                self._write(worker, [wire.head(tag), *entries[:most]])
                del entries[:most]
            self._write(worker, [wire.head(tag, rank), *entries])
        return unsent

    def _write(self, worker: int, message: list[bytes]) -> None:
        version = self._board.count_sent(worker)
        if version is None:
            return  # what it would do with the message lies after the stop
        self.sent_at[worker] = version
        writer, board = self.writers[worker], self._board
        if not writer.try_write(message):
            self._waiting.for_room(worker, _once(lambda: board.gone(worker) or writer.try_write(message)))
        if not writer.flush():
            self._waiting.for_room(worker, lambda: board.gone(worker) or writer.flush())

    # How far this worker is

    def tell(self, frontier: Triple) -> None:
        """Publish `frontier` if that makes a difference to anybody."""
        if self._audience.learn(frontier):
            self._publish(frontier, self._position.head())
            self._audience.wake(self._board)

    def say(self, frontier: Triple, head: Point) -> None:
        """Publish all there is to say, also what only a look at everybody would bring to light."""
        news = self._audience.learn(frontier)
        self._publish(frontier, head, news=news)
        if news:
            self._audience.wake(self._board)

    def promise(self, candidate: Point, head: Point) -> None:
        """Say what follows if this worker would process `candidate` next."""
        self.say(self._frontiers.promise(candidate), head)

    def fall_back(self, stop: Point) -> None:
        """The one place where a frontier may fall: what was promised for after `stop` did not reckon with it."""
        self._publish((stop[0], stop[1], 0), stop)

    def finished(self) -> None:
        """Nothing more comes from here."""
        self._publish((FOREVER.time, 0, 0), self._position.queue.head)
        ring_all(self._other_bells)

    @property
    def frontier(self) -> Triple:
        """What was published last."""
        return self._status[0]

    def _publish(self, frontier: Triple, head: Point, *, news: bool = True) -> None:
        status = (frontier, head, self._position.last, self._position.received)
        if status != self._status:
            self._status = status
            self._is_told = False
            self._board.publish(status, news=news)

    def tell_everybody(self) -> None:
        """Wake also those that read nothing from here: what this worker's next event is may let them go on."""
        if not self._is_told:
            self._is_told = True
            self._board.tell_idle()
            ring_all(self._other_bells)

    # Stops

    def tell_stop(self, tag: Point, why: int) -> None:
        """Tell everybody that the program stops at `tag`, after what was to be sent before."""
        if not self.is_empty:
            self.flush(0)
        for worker in self.writers:
            self._write(worker, [wire.head(tag), wire.inline(why, b"")])
        ring_all(self._other_bells)

    def ring_everybody(self) -> None:
        """Wake all the others."""
        ring_all(self._other_bells)


def _once(attempt: Callable[[], bool]) -> Callable[[], bool]:
    """An attempt that is not made again after it succeeded, however often somebody asks."""
    done = False

    def ask() -> bool:
        nonlocal done
        done = done or attempt()
        return done

    return ask
