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
from rlreactor.runtime.admission import Admission
from rlreactor.runtime.arrivals import Arrivals
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
        admission: lets tags start and reactions run.
        slots: by path, of the ports of this worker whose values lie in some.
        passage: a gatekeeper where all memory is shared, else itself.
    """

    def __init__(self, carrier: Carrier, routes: Routes, me: int, *, spin: int, early: bool = False) -> None:
        self._carrier = carrier
        self._routes = routes
        self._me = me
        self._board = carrier.board
        self._bell = carrier.bells[me]
        self._frontiers = frontiers = Frontiers(routes, me)
        audience = Audience(routes, me, carrier.bells)
        self.outbox = outbox = outbox_of(carrier, frontiers, audience, me)
        self.intake = intake = Intake(carrier, frontiers, audience, outbox, me, early=early)
        self.waiting = Waiting(carrier, frontiers, audience, outbox, intake, routes, me, spin=spin)
        self.admission = Admission(carrier, frontiers, outbox, intake, self.waiting, me)
        self.slots: dict[str, Slotted] = {}
        self.passage: Passage = self
        self._gatekeeper: Gatekeeper | None = None
        self._tags = 0
        self._spins = spin > 0
        self._told_every = 1 if audience.listeners else SIGN_OF_LIFE
        self.gates = frontiers.gates
        self.announced = routes.announced(me)
        self.is_told = self._board.holds_news_back

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
        has_physical = not owners.isdisjoint(binding.local)
        self.admission.join(scheduler, position, has_physical=has_physical)
        arrivals = self.intake.arrivals
        if IS_OPEN and isinstance(self.outbox, NearOutbox) and arrivals is not None and not has_physical:
            self._gatekeeper = self._keeper(self.outbox, arrivals)
            self.passage = self._gatekeeper

    def _keeper(self, outbox: NearOutbox, arrivals: Arrivals) -> Gatekeeper:
        looks, rest = GLANCES if self._spins else TURNS, self._rest(arrivals)
        return Gatekeeper(
            self, self.admission, outbox, self.intake, self.intake.ended, outbox.post, arrivals, rest, self._frontiers,
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
        return self.admission.clear(tag)

    def approach(self) -> bool:
        """Leaves it to `before`."""
        return False

    def before(self, tag: Callable[[], Point]) -> bool:
        """Wait until nothing can arrive before `tag()`; False when interrupted."""
        return self.admission.before(tag)

    def sleep(self, candidate: Point, duration: int) -> None:
        """Sleep for `duration` ns or until there is news or a ring; what can be promised meanwhile is."""
        self.admission.sleep(candidate, duration)

    def wake(self) -> None:
        """End a sleep; from any thread."""
        self._bell.ring()

    @property
    def waited_ns(self) -> int:
        """How long this worker has waited in all."""
        keeper = self._gatekeeper
        return self.waiting.waited_ns + (0 if keeper is None else keeper.waited_ns)

    # What it asks and tells within a tag

    def at_gate(self, rank: int) -> bool:
        """Wait until all that the reaction of `rank` reads is known; False when interrupted."""
        return self.admission.at_gate(rank)

    def enter(self, rank: int) -> None:
        """Note on the board which reaction runs, for whoever waits for it."""
        self._board.set_running(rank, self._execution.tag)

    def look(self) -> None:
        """Note the same now and then, from another thread, where it costs too much to be told of each."""
        reaction = self._execution.reaction
        if not self.is_told and reaction is not None:
            self._board.set_running(reaction.rank, self._execution.tag)

    @property
    def send(self) -> Callable[[Outlet], None]:
        """Sends a value to every worker that reads the port: as soon as that lets anybody go on."""
        return self.outbox.adder

    def done(self, rank: int) -> None:
        """Every reaction up to `rank` has run, one of those that are announced among them."""
        self.outbox.done(rank)

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
            self.admission.promise(scheduler.candidate())
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
