"""How a worker waits for others: whom they know it to wait for, what ends its rest, and when it tells of a stall."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Final

from rlreactor.links.board import Board
from rlreactor.links.carrier import Carrier
from rlreactor.links.doorbell import ring_all
from rlreactor.links.words import Words, fence
from rlreactor.runtime.audience import Audience
from rlreactor.runtime.intake import Intake
from rlreactor.runtime.outbox import Outbox
from rlreactor.runtime.position import Position
from rlreactor.runtime.stall import stalled_chain
from rlreactor.scheduler.edges import InEdge
from rlreactor.scheduler.frontier import Frontiers
from rlreactor.scheduler.routes import Routes
from rlreactor.tag import Point

__all__ = ["SPIN", "Interrupted", "Waiting"]

NOBODY: Final[frozenset[int]] = frozenset()
LOOK_UP_S: Final = 0.05  # a sleeping worker looks up this often to see whether it was told to stop
SPIN: Final = 3000  # looks at all that may let a worker go on before it sleeps: about a millisecond, see `_spin`
REST_LOOKS: Final = 25_000  # the same, where they are made by `Rest`
CREEPING: Final = 8  # looks, or waits, after which a worker looks at everybody's next event, also while others go on
TURNS = 300  # looks in turn with whoever else wants the core: a tenth of a millisecond in all where nobody does
ROOM_GLANCES = 100  # tries to write before it tells everybody that it waits for room: some fifty microseconds
GLANCES = 400  # looks at what has come before it tells everybody that it waits: some twenty microseconds


class Interrupted(BaseException):
    """The supervisor told this worker to stop while it waited in the middle of a reaction."""


class Waiting:
    """The waits of worker `me`.

    Args:
        carrier: this worker's ends.
        frontiers: what it knows of the others.
        audience: those who read from it.
        outbox, intake: what it lets the others know, and what comes from them.
        routes: of the placement.
        me: this worker.
        spin: looks before sleeping; 0 where workers share cores.

    Attributes:
        waits_for: the workers.
        waited_ns: how long it has waited in all.
        interrupted: whether it was told to stop.
        gate: at which it waits.
        stall_ns, on_stall: after how long who is told of a wait.
    """

    def __init__(
        self,
        carrier: Carrier,
        frontiers: Frontiers,
        audience: Audience,
        outbox: Outbox,
        intake: Intake,
        routes: Routes,
        me: int,
        *,
        spin: int,
    ) -> None:
        self._carrier = carrier
        self._frontiers = frontiers
        self._audience = audience
        self._outbox = outbox
        self._intake = intake
        self._routes = routes
        self._me = me
        self._spin = spin
        self._board = carrier.board
        self._bells = carrier.bells
        self._bell = carrier.bells[me]
        self._others = [w for w in range(self._board.workers) if w != me]
        self._all_far = not carrier.near  # who sees this worker's memory is not to be kept waiting by its naps
        self._napped = not self._all_far
        sources = frozenset(frontiers.sources)
        listening = {listener.worker for listener in audience.listeners}
        self._said = [(w, w in sources, w in listening) for w in self._others]
        self._for_room = False
        self._since_ns = 0
        self._stalls = False  # whether the wait is for somebody who holds this worker up, not for the end
        self._stall_told = False
        self._wanted: tuple[int, set[int]] = (0, set())
        self._waits = 0
        self._idle = 0  # how often the others had run out of work at the last look
        self.waits_for: Collection[int] = NOBODY
        self.waited_ns = 0
        self.interrupted = False
        self.gate: int | None = None
        self.stall_ns = 10_000_000_000
        self.on_stall: Callable[[dict[int, str]], None] = _to_nobody

    def join(self, position: Position) -> None:
        """Connect with the worker's scheduler."""
        self._position = position

    # Short waits, of which nobody is told

    def glance(self) -> bool:
        """Look for a moment whether anything comes; from far away, once until something may go on."""
        if self._spin > 0 and self._look():
            return True
        if self._napped:
            return False
        self._napped = True
        return self._nap()

    def _look(self) -> bool:
        start = time.monotonic_ns()
        found = self._intake.has_news(GLANCES)
        self.waited_ns += time.monotonic_ns() - start
        return found

    def _nap(self) -> bool:
        start = time.monotonic_ns()
        found = self._carrier.nap()
        self.waited_ns += time.monotonic_ns() - start
        return found

    # What others are told

    def want(self, tag: Point) -> None:
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
            ring_all([self._bells[w] for w in late])

    def want_nothing(self) -> None:
        """Frontiers are of no use now."""
        self._wanted = 0, set()
        self._board.set_wanted(0)

    def for_any(self, edges: list[InEdge]) -> None:
        """Say whom it waits for. Of all workers that come to rest at once, one then sees that all others do."""
        # No edge to wait for: whether this is the end, anybody may tell.
        self._say({edge.source for edge in edges} or self._present(), stalls=bool(edges))
        fence()

    def forever(self) -> None:
        """Say that this worker gets no further: it waits for itself."""
        self._say({self._me})

    def over(self) -> None:
        """Nobody is waited for any more. The word stands until then: what we read meanwhile may depend on it."""
        self._napped = not self._all_far
        self._say(NOBODY)

    def _say(self, workers: Collection[int], *, stalls: bool = True, room: bool = False) -> None:
        self._stalls = stalls
        if workers != self.waits_for or room != self._for_room:
            if not self.waits_for:
                self._since_ns = time.monotonic_ns()
                self._stall_told = False
            self.waits_for, self._for_room = workers, room
            self._board.set_waiting(workers, room=room)

    # Who else goes on

    def is_floor_due(self) -> bool:
        """Whether to look at everybody at once: somebody said so, nobody else goes on, or frontiers only creep."""
        idle = sum([self._board.idle_count(worker) for worker in self._others])
        self._waits += 1
        if idle != self._idle or self._waits % CREEPING == 0:
            self._idle = idle
            return True
        if not self.do_all_rest():
            return False
        self._outbox.tell_everybody()
        return True

    def do_all_rest(self) -> bool:
        """Whether nobody else goes on by itself. Who has not published since it was sent something has not read it."""
        board, sent_at = self._board, self._outbox.sent_at
        for worker in self._others:
            resting = board.resting(worker) and board.version(worker) != sent_at[worker]
            if not (resting and not board.has_mail(worker)) and not board.gone(worker):
                return False
        return True

    def _present(self) -> set[int]:
        """The other workers that have not stopped for good."""
        return {worker for worker in self._others if not self._board.gone(worker)}

    # Rest

    def signs(self) -> list[object]:
        """What could change and matter to us, taken before looking for news: what changes later ends the next rest."""
        board = self._board
        return [board.signs(worker, news=news, wishes=wishes) for worker, news, wishes in self._said]

    def rest(self, signs: list[object]) -> bool:
        """Wait for anything new since `signs`, or until somebody rings; False when interrupted."""
        board, inbox = self._board, self._position.inbox
        full = self._intake.holds_all_slots
        if full and board.waits_in_circle():
            self._intake.evacuate()
            full = False
        self._sleep(lambda: self.has_news(signs) or inbox.waiting or (full and board.waits_in_circle()))
        return not self.interrupted

    def pause(self, signs: list[object], duration: int) -> None:
        """Sleep for `duration` ns, or until there is news or a ring."""
        inbox = self._position.inbox
        self._bell.wait(lambda: inbox.waiting or self.has_news(signs), spin=0, timeout_s=duration * 1e-9, any_ring=True)

    def watched(self, board: Board) -> tuple[Words, ...]:
        """The words that `signs` are copies of."""
        return tuple([board.watched(worker, news=news, wishes=wishes) for worker, news, wishes in self._said])

    def has_news(self, signs: list[object]) -> bool:
        """Whether anything is new since `signs`."""
        return self.signs() != signs or self._intake.has_mail

    def for_room(self, worker: int, ready: Callable[[], bool]) -> None:
        """Wait, in the middle of a tag, until `worker` has made room. Raises Interrupted."""
        before = self.waits_for, self._for_room
        if not self._outbox.is_empty:
            self._outbox.flush(0)  # what the other side waits for before it makes room may be among it
        if self._spin > 0 and self._makes_room(ready):
            return
        if self._all_far and self._nap() and ready():
            return
        self._say({worker}, room=True)
        self.want_nothing()

        def tried() -> bool:  # a try may have written a piece: the other side has something to read
            done = ready()
            self._bells[worker].ring()
            return done or self._intake.has_mail

        while not ready():
            self._bells[worker].ring()
            self._board.note_mail()
            self._intake.receive()
            self._outbox.say(max(self._outbox.frontier, (*self._position.execution.tag, 0)), self._position.head())
            if self._board.waits_in_circle():
                self._intake.evacuate()
            self._sleep(tried, any_ring=False)
            if self.interrupted:
                raise Interrupted
        self._say(before[0], room=before[1])

    def _makes_room(self, ready: Callable[[], bool]) -> bool:
        """Look for a moment: a reader that is only a little slower makes room in no time."""
        start = time.monotonic_ns()
        looks = ROOM_GLANCES
        while looks > 0 and not ready():
            looks -= 1
        self.waited_ns += time.monotonic_ns() - start
        return looks > 0

    def _sleep(self, ready: Callable[[], bool], *, any_ring: bool = True) -> None:
        start = time.monotonic_ns()
        self._bell.wait(ready, spin=self._spin, timeout_s=LOOK_UP_S, any_ring=any_ring)
        self.waited_ns += time.monotonic_ns() - start
        self.look_for_stall()

    def look_for_stall(self) -> None:
        """Tell of a wait that has lasted too long, once."""
        if not self.waits_for or not self._stalls or self._stall_told:
            return
        if time.monotonic_ns() - self._since_ns > self.stall_ns:
            self._stall_told = True
            self._tell_stall()

    def _tell_stall(self) -> None:
        position, gate = self._position, self.gate
        tag = position.scheduler.candidate() if gate is None else position.execution.tag
        edges = self._frontiers.blocking(tag, gate)
        board = self._carrier.overview
        self.on_stall(stalled_chain(board, self._me, position.scheduler, self._routes, edges, gate))


def _to_nobody(_: dict[int, str]) -> None:
    pass
