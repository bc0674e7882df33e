"""What comes from the others: values on the way to their cells, how far they are, that the program stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rlreactor.access import Cell
from rlreactor.errors import LinkError
from rlreactor.links import wire
from rlreactor.links.carrier import Carrier
from rlreactor.links.ends import Reader
from rlreactor.links.slotted import Lease, SlotReader
from rlreactor.links.words import fence
from rlreactor.runtime.arrivals import IS_OPEN, NEWS, NOTHING, UNUSUAL, Arrivals, Incoming, Tally
from rlreactor.runtime.audience import Audience
from rlreactor.runtime.collector import Collector
from rlreactor.runtime.inlet import Inlet, RemotePort, evacuate
from rlreactor.runtime.outbox import Outbox
from rlreactor.runtime.position import Position
from rlreactor.scheduler.binding import Binding, CellKey, root_ports
from rlreactor.scheduler.frontier import Frontiers
from rlreactor.scheduler.routes import Routes
from rlreactor.tag import Point, Tag, earlier

if TYPE_CHECKING:
    from rlreactor.runtime.waiting import Waiting

__all__ = ["Intake"]

STOP_HEARD = -2  # in place of a version: the worker has just told of a stop
LONGEST = 4096  # bytes of a value that goes the short way
NEVER: Final = (0, -1)
BACKLOG = 4096  # messages of one worker that wait here for their tag before its ring is left to fill up


class Intake:
    """The receiving side of worker `me`.

    Args:
        carrier: this worker's ends.
        frontiers: what it knows of the others.
        audience: those who read from it.
        outbox: what it lets the others know.
        me: this worker.
        early: wake whoever waits for an answer as soon as there is something to answer.

    Attributes:
        backlog: by worker, messages that wait for their tag.
        received_from: by worker, messages taken in.
        inlets: where values of other workers' ports arrive.
        arrivals: the short way in, where there is one from everybody.
        ended: slots that are not needed beyond this tag, and the cells that still show their values.
    """

    def __init__(
        self, carrier: Carrier, frontiers: Frontiers, audience: Audience, outbox: Outbox, me: int, *, early: bool
    ) -> None:
        self._carrier = carrier
        self._frontiers = frontiers
        self._audience = audience
        self._outbox = outbox
        self._me = me
        self._early = early
        self._board = carrier.board
        self._bells = carrier.bells
        self._readers = carrier.readers
        self._sources = frozenset(frontiers.sources)  # the others send nothing but stops
        self._glanced_at = [(w, r, w in self._sources) for w, r in self._readers.items() if w in carrier.near]
        self._shortcuts: dict[int, Incoming] = {}
        self.arrivals: Arrivals | None = None
        self._to_tell: tuple[Point, int] | None = None
        self._remote: dict[int, RemotePort] = {}
        self._slots: list[SlotReader] = []
        self.ended: list[tuple[Cell | None, Lease]] = []
        self.inlets: dict[CellKey, Inlet] = {}
        self.collector: Collector | None = None
        self.backlog = [0] * self._board.workers
        self.received_from = [0] * self._board.workers
        self._seen = [-1] * self._board.workers  # versions
        self._after: Point = NEVER  # what was sent up to this tag is not wanted
        self._is_dry = False  # whether the program stops because nothing is left to happen

    def join(self, position: Position, waiting: Waiting, routes: Routes, binding: Binding) -> None:
        """Connect with the worker's scheduler and with the ports that it reads."""
        self._position = position
        self._waiting = waiting
        order = root_ports(binding.graph)
        for path, readers in routes.readers.items():
            if path not in binding.outlets and self._me in readers:
                self._remote[order.index(path)] = self._remote_port(path, routes.home[path], binding)
        self._slots = [port.slots for port in self._remote.values() if port.slots is not None]
        if IS_OPEN:
            self._shortcuts = {worker: self._shortcut(worker) for worker in self._carrier.shared_words}
            if len(self._shortcuts) == len(self._glanced_at):
                self.arrivals = Arrivals(tuple(self._shortcuts.values()))

    def _shortcut(self, worker: int) -> Incoming:
        return Incoming(
            self._carrier.shared_words[worker],
            worker,
            self._bells[worker],
            self._early,
            self._frontiers,
            {index: port for index, port in self._remote.items() if port.source == worker},
            self._position,
            Tally(self._seen, self.backlog, self.received_from),
            LONGEST,
            BACKLOG,
        )

    def begin_after(self, last: Point) -> None:
        """What was sent up to this tag is not wanted."""
        self._after = last
        for shortcut in self._shortcuts.values():
            shortcut.after = last

    def _remote_port(self, path: str, source: int, binding: Binding) -> RemotePort:
        spec = binding.graph.ports[path].spec
        inlets = {
            key: Inlet(source, key.delay, cell, key in binding.held, self.backlog, self._end_lease)
            for key, cell in binding.cells.items()
            if key.root == path
        }
        self.inlets.update(inlets)
        return RemotePort(source, spec, tuple(inlets.values()), self._carrier.slot_reader(path, spec))

    # Slots

    def _end_lease(self, cell: Cell | None, lease: Lease) -> None:
        """A slot is not needed beyond this tag; `cell` still shows its value."""
        self.ended.append((cell, lease))

    def give_slots_back(self) -> None:
        """At the end of a tag: those that only it needed."""
        for cell, lease in self.ended:
            if cell is not None:
                cell.value = None
            lease.drop()
        self.ended.clear()

    def evacuate(self) -> None:
        """Give back the slots of every port of which this worker holds all; see `inlet.evacuate`."""
        self.ended[:] = evacuate(self._remote.values(), self._position.queue, self.ended)

    @property
    def holds_all_slots(self) -> bool:
        """Whether there is a port all of whose slots this worker holds."""
        return any([slots.full for slots in self._slots])

    @property
    def is_crowded(self) -> bool:
        """Whether more may have come than is taken in, or others may wait for what this worker holds."""
        return self.holds_all_slots or max(self.backlog) >= BACKLOG

    def leave(self) -> None:
        """Nothing is read here any more."""
        for slots in self._slots:
            slots.leave()

    # Messages

    def receive(self) -> bool:
        """Take in what has come; whether anything was new."""
        news = False
        for worker, reader in self._readers.items():
            found = UNUSUAL  # asked anew each time: one may tell of a stop that makes void what the next has promised
            if self.collector is None and not self._is_dry and worker in self._shortcuts:
                found = self._shortcuts[worker].receive()
            if found == UNUSUAL:
                found = self._receive_from(worker, reader)
            news = news or found == NEWS
        if self._to_tell is not None:
            self.pass_on_stop()  # may have to wait for room, and hear of more meanwhile
            news = True
        return news

    def _receive_from(self, worker: int, reader: Reader) -> int:
        """Take in whatever has come from one worker."""
        version = self._board.news(worker) if worker in self._sources else self._seen[worker]
        if (version == self._seen[worker] and not reader.waiting()) or self.is_too_much_from(worker):
            return NOTHING
        # The status first: what it promises to be sent is then in the ring.
        told = None if version == self._seen[worker] else self._board.read(worker)[1]
        news = self._read(worker, reader)
        while self._seen[worker] == STOP_HEARD:  # what it promised before it told of a stop is void: look again
            self._seen[worker] = -1
            version = self._board.news(worker)
            told = self._board.read(worker)[1]
            self._read(worker, reader)
        if told is not None:
            self._seen[worker] = version
            self._frontiers.advance(worker, told.frontier)
        return NEWS if news or told is not None else NOTHING

    def _read(self, worker: int, reader: Reader) -> bool:
        messages = reader.read()
        if reader.made_room:
            fence()  # the room is stored before the question whether somebody waits for it
            board, me = self._board, self._me
            if board.waits_on(worker, me) if self._early else board.waits_for_room(worker, me):
                self._bells[worker].ring_after_fence()
        for notice in messages:
            self._accept(worker, notice)
        return bool(messages)

    def is_too_much_from(self, worker: int) -> bool:
        """A slow reader slows its writer, unless the writer is what it waits for."""
        if self.backlog[worker] < BACKLOG or worker in self._waiting.waits_for:
            return False
        return not self._board.waits_in_circle()

    def has_news(self, looks: int) -> bool:
        """Look so often at those whose memory this worker sees; whether anything has come that may be read."""
        if self.arrivals is not None:
            return self.arrivals.look(looks)
        readers, board, seen = self._glanced_at, self._board, self._seen
        for _ in range(looks if readers else 0):
            for worker, reader, is_source in readers:
                news = reader.waiting() or (is_source and board.news(worker) != seen[worker])
                if news and not self.is_too_much_from(worker):
                    return True
        return False

    @property
    def has_mail(self) -> bool:
        """Whether a message waits that may be read now."""
        return any([reader.waiting() and not self.is_too_much_from(w) for w, reader in self._readers.items()])

    def _accept(self, worker: int, notice: bytes) -> None:
        tag, rank, entries = wire.parse(notice)
        self._position.received += 1
        self.received_from[worker] += 1
        for index, slot, payload in entries:
            if index < wire.DRY:
                self._take(worker, tag, self._remote[index], slot, payload)
            else:
                self.adopt_stop(tag, dry=index == wire.DRY)
                self._frontiers.heard_of_stop(worker)
                self._seen[worker] = STOP_HEARD
        if rank:
            self._frontiers.advance(worker, (*tag, rank))
        if self.collector is not None and tag[0] >= self.collector.cut:
            self.collector.heard(worker)

    def _take(self, worker: int, tag: Point, port: RemotePort, slot: int, payload: bytes | memoryview) -> None:
        """One value has come."""
        value, lease = (port.decode(payload), None) if slot < 0 or port.slots is None else port.leased(slot)
        if not earlier(self._after, tag):
            if lease is not None:
                lease.reader.finish(slot)
            return
        position = self._position
        for inlet in port.inlets:
            self.backlog[worker] += 1
            if inlet.delay.physical:
                position.inbox.put(inlet, (value, lease), inlet.delay.time)
                continue
            arrival = tag if inlet.immediate else inlet.delay.added_to(tag)
            if self.collector is not None:
                self.collector.take(tag, arrival, inlet, value)
            if position.in_tag and arrival == position.execution.tag:
                inlet.fire((value, lease), position.execution)
            elif earlier(position.scheduler.last, arrival):
                position.queue.push(arrival, inlet, (value, lease))
            else:
                raise LinkError(f"a message for {Tag(*arrival)} came from worker {worker} when that tag was over")

    def collect_for(self, collector: Collector) -> None:
        """Note for it what comes from now on."""
        self.collector = collector
        self._set_usual(False)
        self.collect()

    def _set_usual(self, usual: bool) -> None:
        if self.arrivals is not None:
            self.arrivals.is_usual = usual

    def collect(self) -> None:
        """See from whom all has come that was sent before the cut of the collector."""
        collector, board = self.collector, self._board
        if collector is None:
            return
        # The status first, as in `receive`.
        past = [w for w in collector.missing if board.gone(w) or board.read(w)[1].frontier[0] >= collector.cut]
        if past:
            self.receive()
        for worker in past:
            if not self._readers[worker].waiting():
                collector.heard(worker)
        if not collector.missing:
            self.collector = None
            self._set_usual(not self._is_dry)
            collector.finish()

    # Stops

    def adopt_stop(self, tag: Point, *, dry: bool) -> None:
        """Stop at `tag`; `pass_on_stop` comes before anything else is sent."""
        if tag < self._position.scheduler.stop:
            self._position.scheduler.stop_by(tag)
            self._to_tell = (tag, wire.DRY if dry else wire.STOP)
            if dry:
                self._is_dry = True
                self._set_usual(False)
                self._frontiers.run_dry(tag)
                self._audience.fall_back(tag)

    def pass_on_stop(self) -> None:
        """Tell everybody of a stop that was adopted: whoever hears from us at its tag must know it by then."""
        if self._to_tell is not None:
            (tag, why), self._to_tell = self._to_tell, None
            if why == wire.DRY:
                self._outbox.fall_back(tag)
            self._outbox.tell_stop(tag, why)
