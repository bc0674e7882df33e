"""The other workers, as one worker's scheduler sees them.

Joins what knows nothing of each other: the frontiers (what may be started), the links (what comes, what is sent, how to
wait), and the worker's own queue.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from rlreactor.graph import PHYSICAL
from rlreactor.links import wire
from rlreactor.links.board import Board
from rlreactor.links.carrier import Carrier
from rlreactor.links.doorbell import Doorbell
from rlreactor.links.slotted import Slotted
from rlreactor.runtime.arrivals import NEWS, NOTHING, UNUSUAL, Arrivals
from rlreactor.runtime.audience import Audience
from rlreactor.runtime.collector import Collector
from rlreactor.runtime.gatekeeper import IS_OPEN, Gatekeeper
from rlreactor.runtime.inlet import Inlet
from rlreactor.runtime.intake import Intake
from rlreactor.runtime.near_outbox import NearOutbox, outbox_of
from rlreactor.runtime.position import Position
from rlreactor.runtime.rest import Rest
from rlreactor.runtime.waiting import CREEPING, GLANCES, REST_LOOKS, TURNS, Waiting
from rlreactor.scheduler.frontier import Frontiers
from rlreactor.scheduler.neighbours import Passage
from rlreactor.scheduler.outlet import Outlet
from rlreactor.scheduler.routes import Routes
from rlreactor.scheduler.scheduler import Scheduler
from rlreactor.spec import Spec
from rlreactor.storage import Storage, heap
from rlreactor.tag import FOREVER, Point

__all__ = ["Neighbourhood"]

SIGN_OF_LIFE: Final = 256  # tags after which a worker that nobody reads from says how far it is all the same


class Neighbourhood:
    """Implements `scheduler.Neighbours` over whatever carries messages.

    Args:
        carrier: this worker's ends.
        routes: of the placement.
        me: this worker.
        spin: looks before sleeping; 0 where workers share cores.
        early: wake whoever waits for an answer as soon as there is something to answer: a core that rests takes tens
            of microseconds to come back, about as long as the answer. Of no use where others want that core.

    Attributes:
        outbox, intake, waiting: what it lets the others know, what comes from them, how it waits for them.
        slots: by path, of the ports of this worker whose values lie in some.
        passage: a gatekeeper where all memory is shared, else itself.
    """

    def __init__(self, carrier: Carrier, routes: Routes, me: int, *, spin: int, early: bool = False) -> None:
        self._carrier = carrier
        self._routes = routes
        self._me = me
        self._board = carrier.board
        self._bell = carrier.bells[me]
        self._others = [w for w in range(self._board.workers) if w != me]
        self._frontiers = frontiers = Frontiers(routes, me)
        audience = Audience(routes, me, carrier.bells)
        self.outbox = outbox = outbox_of(carrier, frontiers, audience, me)
        self.intake = intake = Intake(carrier, frontiers, audience, outbox, me, early=early)
        self.waiting = Waiting(carrier, frontiers, audience, outbox, intake, routes, me, spin=spin)
        self.slots: dict[str, Slotted] = {}
        self.passage: Passage = self
        self._gatekeeper: Gatekeeper | None = None
        self._outlasts_timeout = False  # somebody has an event beyond the timeout: that is where the program ends
        self._tags = 0
        self._spins = spin > 0
        self._told_every = 1 if audience.listeners else SIGN_OF_LIFE
        self.gates = frontiers.gates
        self.announced = routes.announced(me)
        self.running = self._board.own_running

    # Set-up

    def storage(self, path: str, spec: Spec[Any]) -> Storage:
        """The storage of a port that this worker writes."""
        slots = self._carrier.storage(path, spec, self.waiting.for_room)
        if slots is None:
            return heap(spec)
        self.slots[path] = slots
        return slots

    def join(self, scheduler: Scheduler) -> None:
        """Connect with the worker's scheduler, after its ports are bound."""
        self._scheduler = scheduler
        self._inbox = scheduler.inbox
        binding = scheduler.binding
        self._execution = binding.execution
        self._queue = binding.queue
        self._ranks = len(binding.graph.reactions)
        self._position = position = Position(scheduler)
        self.outbox.join(position, self.waiting)
        self.intake.join(position, self.waiting, self._routes, binding)
        self.waiting.join(position)
        for path, readers in self._routes.readers.items():
            outlet = binding.outlets.get(path)
            if outlet is not None:
                outlet.remote, outlet.slots = readers, self.slots.get(path)
        actions = binding.graph.actions.values()
        owners = {a.owner.path for a in actions if a.kind == PHYSICAL and a.owner is not None}
        self._outlasts_timeout = scheduler.keepalive
        self._has_physical = not owners.isdisjoint(binding.local)
        arrivals = self.intake.arrivals
        if IS_OPEN and isinstance(self.outbox, NearOutbox) and arrivals is not None and not self._has_physical:
            self._gatekeeper = self._keeper(self.outbox, arrivals)
            self.passage = self._gatekeeper

    def _keeper(self, outbox: NearOutbox, arrivals: Arrivals) -> Gatekeeper:
        looks = GLANCES if self._spins else TURNS
        return Gatekeeper(
            self, outbox, self.intake, self.intake.ended, outbox.post, arrivals, self._rest(arrivals), self._frontiers,
            self._position, self._scheduler.timeout, self._ranks, looks, not self._spins, CREEPING, self._told_every,
        )  # fmt: skip

    def _rest(self, arrivals: Arrivals) -> Rest:
        board, bell = self._board, self._bell
        assert isinstance(board, Board)
        assert isinstance(bell, Doorbell)
        cells, asleep = board.asleep(self._me)
        looks = REST_LOOKS if self._spins else 0
        return Rest(self.waiting.watched(board), cells[asleep : asleep + 1], bell.fd, arrivals, looks)

    # What the scheduler asks before a tag

    def clear(self, tag: Point) -> bool:
        """Whether `tag` may start by what is known already; most tags pass here."""
        if not self._frontiers.may_start(tag) or tag == self._scheduler.timeout:
            return False
        self.go_on()
        self._position.in_tag = True
        return True

    def approach(self) -> bool:
        """Leaves it to `before`."""
        return False

    @property
    def waited_ns(self) -> int:
        """How long this worker has waited in all."""
        keeper = self._gatekeeper
        return self.waiting.waited_ns + (0 if keeper is None else keeper.waited_ns)

    def before(self, tag: Callable[[], Point]) -> bool:
        """Wait until nothing can arrive before `tag()`; False when interrupted."""
        self._position.in_tag = False
        news = False
        looks = 0
        while True:
            news |= self.intake.receive()
            if self._inbox.waiting:
                self._scheduler.take_in()
            candidate = tag()
            if self._may_start(candidate):
                break
            looks += 1
            if looks % CREEPING == 0 and self.look_around():
                continue
            if news:  # what is promised otherwise was said when the last tag was done
                self.outbox.tell(self._frontiers.promise(candidate))
            if not self.waiting.glance() and not self._wait_before(candidate):
                return False
        if news:  # what was learnt since the last tag lets others start too, before this worker has computed anything
            self.outbox.tell(self._frontiers.promise(candidate))
        self.waiting.over()
        self._position.in_tag = True
        return not self.waiting.interrupted

    def _may_start(self, tag: Point) -> bool:
        """Whether nothing can arrive before `tag`, and, where only the timeout is left, the program has not run dry."""
        return self._frontiers.known_before(tag) and (
            tag != self._scheduler.timeout or self._outlasts_timeout or self._queue.head != FOREVER
        )

    def _wait_before(self, candidate: Point) -> bool:
        """Wait for anything that may let `candidate` start; False when interrupted."""
        signs = self.waiting.signs()
        return self._say_before(candidate) or self.waiting.rest(signs)

    def _say_before(self, candidate: Point) -> bool:
        """Tell everybody what `candidate` waits for; whether it has to be asked again first."""
        waiting = self.waiting
        self._board.note_mail()
        if self.intake.receive():
            return True
        self.intake.collect()
        self._promise(candidate)
        waiting.want(candidate)
        waiting.for_any(self._frontiers.blocking(candidate))
        return waiting.is_floor_due() and self._try_floor()

    def announce(self) -> int:
        """Tell everybody what the next tag waits for: UNUSUAL if that is for `before`, NEWS to look again, NOTHING."""
        candidate = self._scheduler.candidate()
        return UNUSUAL if self._may_start(candidate) else self._announced(self._say_before(candidate))

    def _announced(self, again: bool) -> int:
        self.waiting.look_for_stall()
        if again:
            return NEWS
        return UNUSUAL if self.intake.is_crowded else NOTHING

    def go_on(self) -> None:
        """Nothing is waited for any more."""
        self.waiting.gate = None
        self.waiting.over()

    def sleep(self, candidate: Point, duration: int) -> None:
        """Sleep for `duration` ns or until there is news or a ring; what can be promised meanwhile is."""
        self._position.in_tag = False
        signs = self.waiting.signs()
        if self.intake.receive():
            return
        self._promise(candidate)
        self.outbox.tell_everybody()
        self.waiting.want_nothing()
        self.waiting.pause(signs, duration)

    def wake(self) -> None:
        """End a sleep; from any thread."""
        self._bell.ring()

    def _promise(self, candidate: Point) -> None:
        """Publish all there is to say of this worker between two tags."""
        head = self._queue.head
        if self._has_physical and self._scheduler.keepalive:
            now = (self._scheduler.take_in(), 0)
            head = min(self._queue.head, now)
            candidate = min(self._scheduler.candidate(), now)
        self.outbox.promise(candidate, head)

    def look_around(self) -> bool:
        """Look at everybody at once, and let them see what comes next here; True when that allows more than was known.

        News may come for ever without that: where nobody has anything to do, frontiers creep by the smallest delay.
        So whoever hears something all the time says, too, whom it waits for: it may be in a circle with them.
        """
        candidate = self._scheduler.candidate()
        self._promise(candidate)
        self.waiting.for_any(self._frontiers.blocking(candidate))
        self.waiting.look_for_stall()
        return self._try_floor()

    def _try_floor(self) -> bool:
        """Look at everybody at once; True when that allows more than was known."""
        snapshot = self._board.snapshot() or self._board.snapshot()
        if snapshot is None:
            return False
        before = self._frontiers.floor, self._outlasts_timeout
        earliest = min([status.head for status in snapshot.statuses])
        gone = any([self._board.gone(w) for w in self._others])  # then the stop is known, or it is the timeout
        if earliest == FOREVER and snapshot.quiet and not gone and not self._scheduler.keepalive:
            last = max([status.last for status in snapshot.statuses])
            self.intake.adopt_stop((last[0], last[1] + 1), dry=True)
            self.intake.pass_on_stop()
            return True
        if snapshot.quiet:
            self._outlasts_timeout = gone or (earliest >= self._scheduler.stop and earliest != FOREVER)
        unread = {w for w, sent in enumerate(snapshot.sent_here) if sent != self.intake.received_from[w]}
        self._frontiers.raise_floor(snapshot.statuses, unread, self._scheduler.stop)
        return (self._frontiers.floor, self._outlasts_timeout) != before

    # What it asks and tells within a tag

    def at_gate(self, rank: int) -> bool:
        """Wait until all that the reaction of `rank` reads is known; False when interrupted."""
        tag, frontiers, waiting = self._execution.tag, self._frontiers, self.waiting
        if frontiers.known_at(tag, rank):
            return True
        waiting.gate = rank
        self.intake.receive()
        if not frontiers.known_at(tag, rank):
            self.done(rank - 1)  # may have to wait for room, and hear of more meanwhile
            looks = 0
            while not frontiers.known_at(tag, rank):
                looks += 1
                if (looks % CREEPING == 0 or not waiting.glance()) and not self._wait_at(tag, rank):
                    return False
                self.intake.receive()
        self.go_on()
        return not waiting.interrupted

    def _wait_at(self, tag: Point, gate: int) -> bool:
        """Wait for anything that may let the gate open; False when interrupted."""
        signs = self.waiting.signs()
        return self._say_at(tag, gate) or self.waiting.rest(signs)

    def _say_at(self, tag: Point, gate: int) -> bool:
        """Tell everybody what the gate waits for; whether it has to be asked again first."""
        waiting = self.waiting
        self._board.note_mail()
        if self.intake.receive():
            return True
        self.intake.collect()
        self.outbox.say((tag[0], tag[1], gate), tag)
        waiting.want(tag)
        waiting.for_any(self._frontiers.blocking(tag, gate))
        if waiting.do_all_rest():
            self.outbox.tell_everybody()
        return False

    def announce_at(self, gate: int) -> int:
        """The same as `announce` at a gate, where UNUSUAL is for `at_gate`."""
        self.waiting.gate = gate
        return self._announced(self._say_at(self._execution.tag, gate))

    def enter(self, rank: int) -> None:
        """Note on the board which reaction runs, for whoever waits for it."""
        self._board.set_running(rank, self._execution.tag)

    @property
    def send(self) -> Callable[[Outlet], None]:
        """Sends a value to every worker that reads the port: as soon as that lets anybody go on."""
        return self.outbox.adder

    def done(self, rank: int) -> None:
        """Every reaction up to `rank` has run, one of those that are announced among them."""
        if self.outbox.is_empty:
            tag = self._execution.tag
            self.outbox.tell((tag[0], tag[1], rank + 1))
        else:
            self.outbox.flush(rank + 1)

    def reacted(self) -> None:
        """Leaves it to `tag_done`."""

    def tag_done(self) -> None:
        """Give slots back, send what is left to be sent, and promise what can be promised."""
        self.end_tag(False)

    def end_tag(self, sent: bool) -> None:
        """The same, where something has been sent since the last reaction, or not."""
        scheduler, outbox, position = self._scheduler, self.outbox, self._position
        self.intake.give_slots_back()
        if self._execution.tag == scheduler.stop:  # the stop is no event: nobody may count from it
            if not outbox.is_empty:
                outbox.flush(self._ranks)
            position.in_tag = False
            if sent:
                outbox.ring()
            return
        sends = sent or not outbox.is_empty
        if not outbox.is_empty:
            outbox.finish(self._ranks)
        # Not before: what waits to be sent is in nobody's count, so this tag is still our next event.
        position.in_tag = False
        position.last = self._execution.tag
        if self._inbox.waiting:  # what came over a physical connection counts as received: first into the queue
            scheduler.take_in()
        self._tags += 1
        self._board.pump()
        if sends or not self._tags % self._told_every:
            self._promise(scheduler.candidate())
        if self.intake.collector is not None:
            self.intake.collect()
        if sends:  # not before: who is woken finds the message and the promise
            outbox.ring()

    def stop_at(self, tag: Point) -> None:
        """Tell everybody that the program stops at `tag`, before anything that belongs to that tag is sent."""
        self.outbox.tell_stop(tag, wire.STOP)

    # Snapshots

    def collect(self, cut: int, note: Callable[[Point, Inlet, Any], None], finish: Callable[[], None]) -> None:
        """Note what others sent before the cut and comes from now on; `finish` is called when nothing more can come."""
        self.intake.collect_for(Collector(cut, self._frontiers.sources, note, finish))

    def begin_after(self, last: Point) -> None:
        """Go on where `last` was the last tag of all: what was sent until then is not wanted.

        Not so what is sent at any later tag, though it may lie before the cut: a program that has run dry stops there.
        """
        self.intake.begin_after(last)
        self._position.last = last
        self._position.in_tag = False

    # The end

    def interrupt(self) -> None:
        """Wait no longer; also from a signal handler."""
        self.waiting.interrupted = True
        if self._gatekeeper is not None:
            self._gatekeeper.interrupted = True

    def fail(self) -> None:
        """This worker gets no further: whoever waits for it must give way to those who may come to the same point."""
        self.waiting.forever()
        self.outbox.ring_everybody()

    def leave(self) -> None:
        """This worker is done or gives up: nobody shall wait for it."""
        self.intake.collect()
        self.intake.leave()
        self._board.set_wanted(FOREVER.time)
        self._board.leave()  # before the empty queue is seen: it does not mean that the program has run dry
        self.outbox.finished()

    def close(self) -> None:
        """Let what was sent arrive, unless this worker is told to stop, and let go of the links."""
        waiting = self.waiting
        self._carrier.close(lambda: waiting.interrupted)
