"""The other workers, as one worker's scheduler sees them: waiting, sending, promising.

Joins three things that know nothing of each other: the frontiers (what may be started), the links (bytes and words
that others see) and the worker's own queue and cells.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any, Final, TypeVar

from rlreactor.errors import LinkError
from rlreactor.execution import Cell
from rlreactor.graph import PHYSICAL
from rlreactor.links import wire
from rlreactor.links.carrier import Carrier
from rlreactor.links.doorbell import ring_all
from rlreactor.links.ends import Reader
from rlreactor.links.slotted import Lease, SlotReader, SlottedStorage
from rlreactor.links.status import Status, StatusFields
from rlreactor.links.words import fence
from rlreactor.port import Storage, heap
from rlreactor.runtime.audience import Audience
from rlreactor.runtime.inlet import Inlet, RemotePort, evacuate
from rlreactor.runtime.stall import stalled_chain
from rlreactor.scheduler.binding import Binding, root_ports
from rlreactor.scheduler.frontier import Frontiers, InEdge, Triple
from rlreactor.scheduler.outlet import Outlet
from rlreactor.scheduler.routes import Routes
from rlreactor.scheduler.scheduler import Scheduler
from rlreactor.spec import Spec
from rlreactor.tag import FOREVER, Point, Tag, earlier

__all__ = ["Interrupted", "Neighbourhood"]

T = TypeVar("T")
STOP_HEARD: Final = -2  # in place of a version: the worker has just told of a stop
NOBODY: Final[frozenset[int]] = frozenset()
SIGN_OF_LIFE: Final = 256  # tags after which a worker that nobody reads from says how far it is all the same
BACKLOG = 4096  # messages of one worker that wait here for their tag before its ring is left to fill up
LOOK_UP_S: Final = 0.05  # a sleeping worker looks up this often to see whether it was told to stop
SPIN: Final = 200  # looks at all that may let a worker go on before it sleeps: a few hundred microseconds
CREEPING: Final = 8  # waits after which a worker looks at everybody's next event, also while others go on
GLANCES = 200  # looks at what has come before it tells everybody that it waits: some twenty microseconds


class Interrupted(BaseException):
    """The supervisor told this worker to stop while it waited in the middle of a reaction."""


class Neighbourhood:
    """Implements `scheduler.Neighbours` over whatever carries messages.

    Args:
        carrier: this worker's ends.
        routes: of the placement.
        me: this worker.
        spin: looks before sleeping; 0 where workers share cores.
        early: wake whoever waits for an answer as soon as there is something to answer: a core that rests takes tens
            of microseconds to come back, about as long as the answer. Of no use where others want that core.
    """

    def __init__(self, carrier: Carrier, routes: Routes, me: int, *, spin: int, early: bool = False) -> None:
        self._carrier = carrier
        self._routes = routes
        self._me = me
        self._spin = spin
        self._early = early
        self._board = carrier.board
        self._bells = carrier.bells
        self._writers = carrier.writers
        self._readers = carrier.readers
        self._near = frozenset(carrier.near)
        self._all_far = not carrier.near  # who sees this worker's memory is not to be kept waiting by its naps
        self._napped = not self._all_far
        self._frontiers = Frontiers(routes, me)
        self._sources = frozenset(self._frontiers.sources)  # the others send nothing but stops
        self._glanced_at = [(w, r, w in self._sources) for w, r in self._readers.items() if w in carrier.near]
        self._storages: dict[str, SlottedStorage] = {}
        self._seen = [-1] * self._board.workers
        self._status: StatusFields = Status.initial()
        self._told: StatusFields = self._status
        self._last = (0, -1)
        self._received = 0
        self._received_from = [0] * self._board.workers
        self._waits_for: Collection[int] = NOBODY
        self._for_room = False
        self._waits_since = 0
        self._stalls = False  # whether the wait is for somebody who holds this worker up, not for the end
        self._stall_told = False
        self._gate: int | None = None  # the gate at which this worker waits
        self.stall_ns = 10_000_000_000
        self.on_stall: Callable[[dict[int, str]], None] = lambda _: None
        self._to_tell: tuple[Point, int] | None = None
        self._outlasts_timeout = False  # somebody has an event beyond the timeout: that is where the program ends
        self._wanted: tuple[int, set[int]] = (0, set())
        self._slots: list[SlotReader] = []
        self._tags = 0
        self._waits = 0
        self._idle = 0  # how often the others had run out of work at the last look
        self._others = [w for w in range(self._board.workers) if w != me]
        self._other_bells = [bell for w, bell in enumerate(self._bells) if w != me]
        self._audience = Audience(routes, me, self._bells)
        listening = {listener.worker for listener in self._audience.listeners}
        self._said = [(w, w in self._sources, w in listening) for w in self._others]
        self._sent_at = [-1] * self._board.workers  # version of each other's status before the last message to it
        self._unsent: dict[int, list[bytes]] = {}  # by worker: entries of the next notice
        self._in_tag = False  # then messages for the current tag go straight to their cells
        self.gates = self._frontiers.gates
        self.running = self._board.own_running
        self.backlog = [0] * self._board.workers
        self.ended: list[tuple[Cell | None, Lease]] = []
        self.waited_ns = 0
        self.interrupted = False

    # Set-up

    def storage(self, path: str, spec: Spec[Any]) -> Storage:
        """The storage of a port that this worker writes."""
        storage = self._carrier.storage(path, spec, self._wait_for)
        if storage is None:
            return heap(spec)
        self._storages[path] = storage
        return storage

    def join(self, scheduler: Scheduler) -> None:
        """Connect with the worker's scheduler, after its ports are bound."""
        self._scheduler = scheduler
        self._inbox = scheduler.inbox
        self._binding: Binding = scheduler.binding
        self._execution = self._binding.execution
        self._ranks = len(self._binding.graph.reactions)
        order = root_ports(self._binding.graph)
        self._remote: dict[int, RemotePort] = {}
        for path, readers in self._routes.readers.items():
            if path in self._binding.outlets:
                self._binding.outlets[path].remote = readers
            elif self._me in readers:
                self._remote[order.index(path)] = self._remote_port(path)
        actions = self._binding.graph.actions.values()
        owners = {a.owner.path for a in actions if a.kind == PHYSICAL and a.owner is not None}
        self._outlasts_timeout = scheduler.keepalive
        self._has_physical = not owners.isdisjoint(self._binding.local)
        self._slots = [port.slots for port in self._remote.values() if port.slots is not None]
        self.announced = self._routes.announced(self._me)
        self._told_every = 1 if self._audience.listeners else SIGN_OF_LIFE

    def _remote_port(self, path: str) -> RemotePort:
        spec = self._binding.graph.ports[path].spec
        source = self._routes.home[path]
        inlets = tuple(
            Inlet(source, key.delay, cell, key in self._binding.held, self.backlog, self._end_lease)
            for key, cell in self._binding.cells.items()
            if key.root == path
        )
        return RemotePort(spec, inlets, self._carrier.slot_reader(path, spec))

    def _end_lease(self, cell: Cell | None, lease: Lease) -> None:
        """A slot is not needed beyond this tag; `cell` still shows its value."""
        self.ended.append((cell, lease))

    # What the scheduler asks

    def clear(self, tag: Point) -> bool:
        """Whether `tag` may start by what is known already; most tags pass here."""
        frontiers = self._frontiers
        if earlier(frontiers.latest, tag) or not earlier(tag, frontiers.stops) or tag == self._scheduler.timeout:
            return False
        self._in_tag = True
        return True

    def before(self, tag: Callable[[], Point]) -> bool:
        """Wait until nothing can arrive before `tag()`; False when interrupted."""
        self._in_tag = False
        news = False
        while True:
            news |= self._receive()
            if self._inbox.waiting:
                self._scheduler.take_in()
            candidate = tag()
            if self._may_start(candidate):
                break
            if news:  # what is promised otherwise was said when the last tag was done
                self._tell(self._frontiers.promise(candidate))
            if not self._glance() and not self._wait_before(candidate):
                return False
        if news:  # what was learnt since the last tag lets others start too, before this worker has computed anything
            self._tell(self._frontiers.promise(candidate))
        self._runs()
        self._in_tag = True
        return not self.interrupted

    def _glance(self) -> bool:
        """Look for a moment whether anything comes; from far away, once until something may go on."""
        if self._spin > 0 and self._glanced_at and self._timed(self._look):
            return True
        if self._napped:
            return False
        self._napped = True
        return self._timed(self._carrier.nap)

    def _look(self) -> bool:
        readers, version, seen = self._glanced_at, self._board.news, self._seen
        for _ in range(GLANCES):
            for worker, reader, is_source in readers:
                news = reader.waiting() or (is_source and version(worker) != seen[worker])
                if news and not self._too_much_from(worker):
                    return True
        return False

    def _wait_before(self, candidate: Point) -> bool:
        """Wait for anything that may let `candidate` start; False when interrupted."""
        signs = self._signs()
        self._board.note_mail()
        if self._receive():
            return True
        self._promise(candidate)
        self._want(candidate)
        edges = self._frontiers.blocking(candidate)
        self._wait_for_any(edges)
        return (self._is_floor_due() and self._try_floor()) or self._rest(signs)

    def _may_start(self, tag: Point) -> bool:
        """Whether nothing can arrive before `tag`, and, where only the timeout is left, the program has not run dry."""
        return self._frontiers.known_before(tag) and (
            tag != self._scheduler.timeout or self._outlasts_timeout or self._binding.queue.head != FOREVER
        )

    def sleep(self, candidate: Point, duration: int) -> None:
        """Sleep for `duration` ns or until there is news or a ring; what can be promised meanwhile is."""
        self._in_tag = False
        signs = self._signs()
        if self._receive():
            return
        self._promise(candidate)
        self._tell_everybody()
        self._wanted = 0, set()
        self._board.set_wanted(0)
        inbox = self._inbox
        self._bells[self._me].wait(
            lambda: inbox.waiting or self._news(signs), spin=0, timeout_s=duration * 1e-9, any_ring=True
        )

    def wake(self) -> None:
        """End a sleep; from any thread."""
        self._bells[self._me].ring()

    def _promise(self, candidate: Point) -> None:
        """Publish all there is to say of this worker between two tags."""
        head = self._binding.queue.head
        if self._has_physical and self._scheduler.keepalive:
            now = (self._scheduler.take_in(), 0)
            head = min(self._binding.queue.head, now)
            candidate = min(self._scheduler.candidate(), now)
        self._say(self._frontiers.promise(candidate), head)

    def at_gate(self, rank: int) -> bool:
        """Wait until all that the reaction of `rank` reads is known; False when interrupted."""
        tag = self._execution.tag
        if self._frontiers.known_at(tag, rank):
            return True
        self._gate = rank
        self._receive()
        if not self._frontiers.known_at(tag, rank):
            self.done(rank - 1)  # may have to wait for room, and hear of more meanwhile
            while not self._frontiers.known_at(tag, rank):
                if not self._glance() and not self._wait_at(tag, rank):
                    return False
                self._receive()
        self._gate = None
        self._runs()
        return not self.interrupted

    def _wait_at(self, tag: Point, gate: int) -> bool:
        """Wait for anything that may let the gate open; False when interrupted."""
        signs = self._signs()
        self._board.note_mail()
        if self._receive():
            return True
        self._say((tag[0], tag[1], gate), tag)
        self._want(tag)
        self._wait_for_any(self._frontiers.blocking(tag, gate))
        if self._all_rest():
            self._tell_everybody()
        return self._rest(signs)

    def enter(self, rank: int) -> None:
        """Note on the board which reaction runs, for whoever waits for it."""
        self._board.set_running(rank, self._execution.tag)

    def done(self, rank: int) -> None:
        """Every reaction up to `rank` has run, one of those that are announced among them."""
        if self._unsent:
            self._flush(rank + 1)
        else:
            tag = self._execution.tag
            self._tell((tag[0], tag[1], rank + 1))

    def tag_done(self) -> None:
        """Give slots back, send what is left to be sent, and promise what can be promised."""
        if self.ended:
            for cell, lease in self.ended:
                if cell is not None:
                    cell.value = None
                lease.drop()
            self.ended.clear()
        scheduler = self._scheduler
        if self._execution.tag == scheduler.stop:  # the stop is no event: nobody may count from it
            if self._unsent:
                self._flush(self._ranks)
            self._in_tag = False
            return
        told = None
        if self._unsent:
            time, microstep = self._execution.tag
            self._audience.read((time, microstep, self._ranks), self._unsent)
            told = self._hand_over(self._ranks)
        # Not before: what waits to be sent is in nobody's count, so this tag is still our next event.
        self._in_tag = False
        self._last = self._execution.tag
        if self._inbox.waiting:  # what came over a physical connection counts as received: first into the queue
            scheduler.take_in()
        self._tags += 1
        self._board.pump()
        if told is not None or not self._tags % self._told_every:
            self._promise(scheduler.candidate())
        if told is not None:  # not before: who is woken finds the message and the promise
            fence()
            for worker in told:
                if worker in self._near:  # to the others the message itself is a ring
                    self._bells[worker].ring_after_fence()

    def send(self, outlet: Outlet) -> None:
        """Send a value to every worker that reads the port: as soon as that lets anybody go on."""
        storage = self._storages.get(outlet.path)
        if storage is not None:
            entry = wire.entry(outlet.index, storage.sent())
        else:
            entry = wire.inline(outlet.index, outlet.encoded())
        for worker in outlet.remote:
            self._unsent.setdefault(worker, []).append(entry)

    def stop_at(self, tag: Point) -> None:
        """Tell everybody that the program stops at `tag`, before anything that belongs to that tag is sent."""
        self._tell_stop(tag, wire.STOP)

    def _tell_stop(self, tag: Point, why: int) -> None:
        if self._unsent:
            self._flush(0)
        for worker in self._writers:
            self._write(worker, [wire.head(tag), wire.inline(why, b"")])
        ring_all(self._other_bells)

    def fail(self) -> None:
        """This worker gets no further: whoever waits for it must give way to those who may come to the same point."""
        self._wait_word({self._me})
        ring_all(self._other_bells)

    def leave(self) -> None:
        """This worker is done or gives up: nobody shall wait for it."""
        for port in self._remote.values():
            if port.slots is not None:
                port.slots.leave()
        self._board.set_wanted(FOREVER.time)
        self._board.leave()  # before the empty queue is seen: it does not mean that the program has run dry
        self._publish((FOREVER.time, 0, 0), self._binding.queue.head)
        ring_all(self._other_bells)

    def close(self) -> None:
        """Let what was sent arrive, unless this worker is told to stop, and let go of the links."""
        self._carrier.close(lambda: self.interrupted)

    # Sending

    def _flush(self, rank: int) -> None:
        """Send the messages of this tag; with them, this worker has sent all that comes before `rank`."""
        time, microstep = self._execution.tag
        news = self._audience.learn((time, microstep, rank), told=self._unsent)
        told = self._hand_over(rank)
        fence()
        for worker in told:
            self._bells[worker].ring_after_fence()
        if news:
            self._publish((time, microstep, rank), self._head())
            self._audience.wake(self._board)

    def _hand_over(self, rank: int) -> Collection[int]:
        """Hand the messages of this tag to the links; returns who gets any and is to be rung."""
        unsent, self._unsent = self._unsent, {}
        tag = self._execution.tag
        for worker, entries in unsent.items():
            most = self._writers[worker].most_entries
            while len(entries) > most:
                self._write(worker, [wire.head(tag), *entries[:most]])
                del entries[:most]
            self._write(worker, [wire.head(tag, rank), *entries])
        return unsent

    def _write(self, worker: int, message: list[bytes]) -> None:
        version = self._board.count_sent(worker)
        if version is None:
            return  # what it would do with the message lies after the stop
        self._sent_at[worker] = version
        writer, gone = self._writers[worker], self._board.gone
        if not writer.try_write(message):
            self._wait_for(worker, _once(lambda: gone(worker) or writer.try_write(message)))
        if not writer.flush():
            self._wait_for(worker, lambda: gone(worker) or writer.flush())

    def _tell(self, frontier: Triple) -> None:
        """Publish `frontier` if that makes a difference to anybody."""
        if self._audience.learn(frontier):
            self._publish(frontier, self._head())
            self._audience.wake(self._board)

    def _say(self, frontier: Triple, head: Point) -> None:
        """Publish all there is to say, also what only a look at everybody would bring to light."""
        news = self._audience.learn(frontier)
        self._publish(frontier, head, news=news)
        if news:
            self._audience.wake(self._board)

    def _head(self) -> Point:
        """The earliest event that this worker has."""
        return self._execution.tag if self._in_tag else self._binding.queue.head

    def _publish(self, frontier: Triple, head: Point, *, news: bool = True) -> None:
        status = (frontier, head, self._last, self._received)
        if status != self._status:
            self._status = status
            self._board.publish(status, news=news)

    def _tell_everybody(self) -> None:
        """Wake also those that read nothing from here: what this worker's next event is may let them go on."""
        if self._status is not self._told:
            self._told = self._status
            self._board.tell_idle()
            ring_all(self._other_bells)

    # Receiving

    def _receive(self) -> bool:
        """Take in what has come; whether anything was new."""
        news = False
        for worker, reader in self._readers.items():
            version = self._board.news(worker) if worker in self._sources else self._seen[worker]
            if version == self._seen[worker] and not reader.waiting():
                continue
            if self._too_much_from(worker):
                continue
            # The status first: what it promises to be sent is then in the ring.
            told = None if version == self._seen[worker] else self._board.read(worker)[1]
            news = self._read(worker, reader) or news
            while self._seen[worker] == STOP_HEARD:  # what it promised before it told of a stop is void: look again
                self._seen[worker] = -1
                version = self._board.news(worker)
                told = self._board.read(worker)[1]
                self._read(worker, reader)
            if told is not None:
                self._seen[worker] = version
                self._frontiers.advance(worker, told.frontier)
                news = True
        if self._to_tell is not None:
            self._pass_on_stop()  # may have to wait for room, and hear of more meanwhile
            news = True
        return news

    def _read(self, worker: int, reader: Reader) -> bool:
        messages = reader.read()
        if reader.made_room:
            fence()  # the room is stored before the question whether somebody waits for it
            waits = self._board.waits_on if self._early else self._board.waits_for_room
            if waits(worker, self._me):
                self._bells[worker].ring_after_fence()
        for notice in messages:
            self._accept(worker, notice)
        return bool(messages)

    def _too_much_from(self, worker: int) -> bool:
        """A slow reader slows its writer, unless the writer is what it waits for."""
        if self.backlog[worker] < BACKLOG or worker in self._waits_for:
            return False
        return not self._board.waits_in_circle()

    def _accept(self, worker: int, notice: bytes) -> None:
        tag, rank, entries = wire.parse(notice)
        self._received += 1
        self._received_from[worker] += 1
        for index, slot, payload in entries:
            if index < wire.DRY:
                self._take(worker, tag, self._remote[index], slot, payload)
            else:
                self._adopt_stop(tag, dry=index == wire.DRY)
                self._frontiers.heard_of_stop(worker)
                self._seen[worker] = STOP_HEARD
        if rank:
            self._frontiers.advance(worker, (*tag, rank))

    def _take(self, worker: int, tag: Point, port: RemotePort, slot: int, payload: memoryview) -> None:
        """One value has come."""
        lease = None
        if slot < 0 or port.slots is None:
            value = port.decode(payload)
        else:
            value = port.slots.receive(slot)
            lease = Lease(port.slots, slot, len(port.inlets))
        for inlet in port.inlets:
            self.backlog[worker] += 1
            if inlet.delay.physical:
                self._scheduler.inbox.put(inlet, (value, lease), inlet.delay.time)
                continue
            arrival = tag if inlet.immediate else inlet.delay.added_to(tag)
            if self._in_tag and arrival == self._execution.tag:
                inlet.fire((value, lease), self._execution)
            elif earlier(self._scheduler.last, arrival):
                self._binding.queue.push(arrival, inlet, (value, lease))
            else:
                raise LinkError(f"a message for {Tag(*arrival)} came from worker {worker} when that tag was over")

    # Waiting

    def _adopt_stop(self, tag: Point, *, dry: bool) -> None:
        """Stop at `tag`; `_pass_on_stop` comes before anything else is sent."""
        if tag < self._scheduler.stop:
            self._scheduler.stop_by(tag)
            self._to_tell = (tag, wire.DRY if dry else wire.STOP)
            if dry:
                self._frontiers.run_dry(tag)
                self._audience.fall_back(tag)

    def _pass_on_stop(self) -> None:
        """Tell everybody of a stop that was adopted: whoever hears from us at its tag must know it by then."""
        if self._to_tell is not None:
            (tag, why), self._to_tell = self._to_tell, None
            if why == wire.DRY:
                self._publish((tag[0], tag[1], 0), tag)  # the one place where a frontier may fall
            self._tell_stop(tag, why)

    def _try_floor(self) -> bool:
        """Look at everybody at once; True when that allows more than was known."""
        snapshot = self._board.snapshot()
        if snapshot is None:
            return False
        before = self._frontiers.floor, self._outlasts_timeout
        earliest = min(status.head for status in snapshot.statuses)
        gone = any(self._board.gone(w) for w in self._others)  # then the stop is known, or it is the timeout
        if earliest == FOREVER and snapshot.quiet and not gone and not self._scheduler.keepalive:
            last = max(status.last for status in snapshot.statuses)
            self._adopt_stop((last[0], last[1] + 1), dry=True)
            self._pass_on_stop()
            return True
        if snapshot.quiet:
            self._outlasts_timeout = gone or (earliest >= self._scheduler.stop and earliest != FOREVER)
        unread = {w for w, sent in enumerate(snapshot.sent_here) if sent != self._received_from[w]}
        self._frontiers.raise_floor(snapshot.statuses, unread, self._scheduler.stop)
        return (self._frontiers.floor, self._outlasts_timeout) != before

    def _signs(self) -> list[object]:
        """What could change and matter to us, taken before looking for news: what changes later ends the next rest."""
        signs = self._board.signs
        return [signs(worker, news=news, wishes=wishes) for worker, news, wishes in self._said]

    def _want(self, tag: Point) -> None:
        """Say up to which logical time frontiers are of use here, to us or to those who wait for our promise.

        Whoever sends to us is woken by what it promises beyond that, and sleeping relays between it and us are too.
        """
        board = self._board
        demands = [board.wanted(a.worker) - a.delay for a in self._audience.listeners if not board.gone(a.worker)]
        known = min(self._frontiers.known[0], tag[0])
        wanted = max(min([tag[0], *demands]), known)  # what is known already is of no use to anybody
        late = {edge.source for edge in self._frontiers.edges if edge.earliest[0] <= wanted}
        if (wanted, late) != self._wanted:
            self._wanted = wanted, late
            board.set_wanted(wanted)
            ring_all(self._bells[w] for w in late)

    def _wait_for_any(self, edges: list[InEdge]) -> None:
        """Say so. Afterwards, of all workers that come to rest at the same time, one sees that all others do."""
        # No edge to wait for: whether this is the end, anybody may tell.
        self._wait_word({edge.source for edge in edges} or self._present(), stalls=bool(edges))
        fence()

    def _is_floor_due(self) -> bool:
        """Whether to look at everybody at once: somebody said so, nobody else goes on, or frontiers only creep."""
        idle = sum(map(self._board.idle_count, self._others))
        self._waits += 1
        if idle != self._idle or self._waits % CREEPING == 0:
            self._idle = idle
            return True
        if not self._all_rest():
            return False
        self._tell_everybody()
        return True

    def _all_rest(self) -> bool:
        """Whether nobody else goes on by itself. Who has not published since it was sent something has not read it."""
        board = self._board
        for worker in self._others:
            resting = board.resting(worker) and board.version(worker) != self._sent_at[worker]
            if not (resting and not board.has_mail(worker)) and not board.gone(worker):
                return False
        return True

    def _rest(self, signs: list[object]) -> bool:
        """Wait for anything new since `signs`, or until somebody rings; False when interrupted."""
        full = any([slots.full for slots in self._slots])
        if full and self._board.waits_in_circle():
            self._evacuate()
            full = False
        inbox = self._inbox
        self._sleep(lambda: self._news(signs) or inbox.waiting or (full and self._board.waits_in_circle()))
        return not self.interrupted

    def _present(self) -> set[int]:
        """The other workers that have not stopped for good."""
        return {worker for worker in self._others if not self._board.gone(worker)}

    def _wait_word(self, workers: Collection[int], *, stalls: bool = True, room: bool = False) -> None:
        self._stalls = stalls
        if workers != self._waits_for or room != self._for_room:
            if not self._waits_for:
                self._waits_since = time.monotonic_ns()
                self._stall_told = False
            self._waits_for, self._for_room = workers, room
            self._board.set_waiting(workers, room=room)

    def _runs(self) -> None:
        """Nobody is waited for any more. The word stands until then: what we read meanwhile may depend on it."""
        self._napped = not self._all_far
        self._wait_word(NOBODY)

    def _news(self, signs: list[object]) -> bool:
        return self._signs() != signs or self._unread()

    def _unread(self) -> bool:
        """Whether a message waits that may be read now."""
        return any([reader.waiting() and not self._too_much_from(w) for w, reader in self._readers.items()])

    def _wait_for(self, worker: int, ready: Callable[[], bool]) -> None:
        """Wait, in the middle of a tag, until `worker` has made room."""
        before = self._waits_for, self._for_room
        if self._unsent:
            self._flush(0)  # what the other side waits for before it makes room may be among it
        if self._all_far and self._timed(self._carrier.nap) and ready():
            return
        self._wait_word({worker}, room=True)
        self._wanted = 0, set()
        self._board.set_wanted(0)

        def tried() -> bool:  # a try may have written a piece: the other side has something to read
            done = ready()
            self._bells[worker].ring()
            return done or self._unread()

        while not ready():
            self._bells[worker].ring()
            self._board.note_mail()
            self._receive()
            self._say(max(self._status[0], (*self._execution.tag, 0)), self._head())
            if self._board.waits_in_circle():
                self._evacuate()
            self._sleep(tried, any_ring=False)
            if self.interrupted:
                raise Interrupted
        self._wait_word(before[0], room=before[1])

    def _timed(self, wait: Callable[[], T]) -> T:
        start = time.monotonic_ns()
        found = wait()
        self.waited_ns += time.monotonic_ns() - start
        return found

    def _sleep(self, ready: Callable[[], bool], *, any_ring: bool = True) -> None:
        bell = self._bells[self._me]
        self._timed(lambda: bell.wait(ready, spin=self._spin, timeout_s=LOOK_UP_S, any_ring=any_ring))
        now = time.monotonic_ns()
        if self._waits_for and self._stalls and not self._stall_told and now - self._waits_since > self.stall_ns:
            self._stall_told = True
            tag = self._scheduler.candidate() if self._gate is None else self._execution.tag
            edges = self._frontiers.blocking(tag, self._gate)
            board = self._carrier.overview
            self.on_stall(stalled_chain(board, self._me, self._scheduler, self._routes, edges, self._gate))

    def _evacuate(self) -> None:
        """Give back the slots of every port of which this worker holds all; see `inlet.evacuate`."""
        self.ended = evacuate(self._remote.values(), self._binding.queue, self.ended)


def _once(attempt: Callable[[], bool]) -> Callable[[], bool]:
    """An attempt that is not made again after it succeeded, however often somebody asks."""
    done = False

    def ask() -> bool:
        nonlocal done
        done = done or attempt()
        return done

    return ask
