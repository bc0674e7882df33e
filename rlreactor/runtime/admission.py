"""Lets tags start and reactions run once all that they need is known, and waits for that."""

from __future__ import annotations

from collections.abc import Callable

from rlreactor.links.carrier import Carrier
from rlreactor.runtime.arrivals import NEWS, NOTHING, UNUSUAL
from rlreactor.runtime.intake import Intake
from rlreactor.runtime.lookout import Lookout
from rlreactor.runtime.outbox import Outbox
from rlreactor.runtime.position import Position
from rlreactor.runtime.waiting import CREEPING, Waiting
from rlreactor.scheduler.frontier import Frontiers
from rlreactor.scheduler.scheduler import Scheduler
from rlreactor.tag import FOREVER, Point

__all__ = ["Admission"]


class Admission:
    """Of one worker.

    Args:
        carrier: this worker's ends.
        frontiers: what it knows of the others.
        outbox, intake, waiting: what it lets the others know, what comes from them, how it waits for them.
        me: this worker.
    """

    def __init__(
        self, carrier: Carrier, frontiers: Frontiers, outbox: Outbox, intake: Intake, waiting: Waiting, me: int
    ) -> None:
        self._board = carrier.board
        self._frontiers = frontiers
        self._outbox = outbox
        self._intake = intake
        self._waiting = waiting
        self._lookout = Lookout(carrier, frontiers, intake, me)

    def join(self, scheduler: Scheduler, position: Position, *, has_physical: bool) -> None:
        """Connect with the worker's scheduler; `has_physical`: something may happen on this worker by itself."""
        self._scheduler = scheduler
        self._inbox = scheduler.inbox
        self._execution = position.execution
        self._queue = position.queue
        self._position = position
        self._has_physical = has_physical
        self._lookout.join(scheduler)

    # Before a tag

    def clear(self, tag: Point) -> bool:
        """Whether `tag` may start by what is known already; most tags pass here."""
        if not self._frontiers.may_start(tag) or tag == self._scheduler.timeout:
            return False
        self.go_on()
        self._position.in_tag = True
        return True

    def before(self, tag: Callable[[], Point]) -> bool:
        """Wait until nothing can arrive before `tag()`; False when interrupted."""
        self._position.in_tag = False
        news = False
        looks = 0
        while True:
            news |= self._intake.receive()
            if self._inbox.waiting:
                self._scheduler.take_in()
            candidate = tag()
            if self.may_start(candidate):
                break
            looks += 1
            if looks % CREEPING == 0 and self.look_around():
                continue
            if news:  # what is promised otherwise was said when the last tag was done
                self._outbox.tell(self._frontiers.promise(candidate))
            if not self._waiting.glance() and not self._wait_before(candidate):
                return False
        if news:  # what was learnt since the last tag lets others start too, before this worker has computed anything
            self._outbox.tell(self._frontiers.promise(candidate))
        self._waiting.over()
        self._position.in_tag = True
        return not self._waiting.interrupted

    def may_start(self, tag: Point) -> bool:
        """Whether nothing can arrive before `tag`, and, where only the timeout is left, the program has not run dry."""
        return self._frontiers.known_before(tag) and (
            tag != self._scheduler.timeout or self._lookout.outlasts_timeout or self._queue.head != FOREVER
        )

    def _wait_before(self, candidate: Point) -> bool:
        """Wait for anything that may let `candidate` start; False when interrupted."""
        signs = self._waiting.signs()
        return self._say_before(candidate) or self._waiting.rest(signs)

    def _say_before(self, candidate: Point) -> bool:
        """Tell everybody what `candidate` waits for; whether it has to be asked again first."""
        waiting = self._waiting
        self._board.note_mail()
        if self._intake.receive():
            return True
        self._intake.collect()
        self.promise(candidate)
        waiting.want(candidate)
        waiting.for_any(self._frontiers.blocking(candidate))
        return waiting.is_floor_due() and self._lookout.look()

    def announce(self) -> int:
        """Tell everybody what the next tag waits for: UNUSUAL if that is for `before`, NEWS to look again, NOTHING."""
        candidate = self._scheduler.candidate()
        return UNUSUAL if self.may_start(candidate) else self._announced(self._say_before(candidate))

    def _announced(self, again: bool) -> int:
        self._waiting.look_for_stall()
        if again:
            return NEWS
        return UNUSUAL if self._intake.is_crowded else NOTHING

    def look_around(self) -> bool:
        """Look at everybody at once, and let them see what comes next here; True when that allows more than was known.

        News may come for ever without that: where nobody has anything to do, frontiers creep by the smallest delay.
        So whoever hears something all the time says, too, whom it waits for: it may be in a circle with them.
        """
        candidate = self._scheduler.candidate()
        self.promise(candidate)
        self._waiting.for_any(self._frontiers.blocking(candidate))
        self._waiting.look_for_stall()
        return self._lookout.look()

    def sleep(self, candidate: Point, duration: int) -> None:
        """Sleep for `duration` ns or until there is news or a ring; what can be promised meanwhile is."""
        self._position.in_tag = False
        signs = self._waiting.signs()
        if self._intake.receive():
            return
        self.promise(candidate)
        self._outbox.tell_everybody()
        self._waiting.want_nothing()
        self._waiting.pause(signs, duration)

    def promise(self, candidate: Point) -> None:
        """Publish all there is to say of this worker between two tags, of which `candidate` comes next."""
        head = self._queue.head
        if self._has_physical and self._scheduler.keepalive:
            now = (self._scheduler.take_in(), 0)
            head = min(self._queue.head, now)
            candidate = min(self._scheduler.candidate(), now)
        self._outbox.promise(candidate, head)

    # At a gate within a tag

    def at_gate(self, rank: int) -> bool:
        """Wait until all that the reaction of `rank` reads is known; False when interrupted."""
        tag, frontiers, waiting = self._execution.tag, self._frontiers, self._waiting
        if frontiers.known_at(tag, rank):
            return True
        waiting.gate = rank
        self._intake.receive()
        if not frontiers.known_at(tag, rank):
            self._outbox.done(rank - 1)  # may have to wait for room, and hear of more meanwhile
            looks = 0
            while not frontiers.known_at(tag, rank):
                looks += 1
                if (looks % CREEPING == 0 or not waiting.glance()) and not self._wait_at(tag, rank):
                    return False
                self._intake.receive()
        self.go_on()
        return not waiting.interrupted

    def _wait_at(self, tag: Point, gate: int) -> bool:
        """Wait for anything that may let the gate open; False when interrupted."""
        signs = self._waiting.signs()
        return self._say_at(tag, gate) or self._waiting.rest(signs)

    def _say_at(self, tag: Point, gate: int) -> bool:
        """Tell everybody what the gate waits for; whether it has to be asked again first."""
        waiting = self._waiting
        self._board.note_mail()
        if self._intake.receive():
            return True
        self._intake.collect()
        self._outbox.say((tag[0], tag[1], gate), tag)
        waiting.want(tag)
        waiting.for_any(self._frontiers.blocking(tag, gate))
        if waiting.do_all_rest():
            self._outbox.tell_everybody()
        return False

    def announce_at(self, gate: int) -> int:
        """The same as `announce` at a gate, where UNUSUAL is for `at_gate`."""
        self._waiting.gate = gate
        return self._announced(self._say_at(self._execution.tag, gate))

    # In either place

    def go_on(self) -> None:
        """Nothing is waited for any more."""
        self._waiting.gate = None
        self._waiting.over()
