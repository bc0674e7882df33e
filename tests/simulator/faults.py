"""Bugs to plant: each is a small patch of the engine's or the links' code, in the test process only.

The simulator is worth as much as the bugs it finds. Every fault here is one that somebody could write.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

from rlreactor.links import doorbell, wire
from rlreactor.links.acknowledgements import Acknowledgements
from rlreactor.links.board import Board
from rlreactor.links.distant_board import DistantBoard
from rlreactor.links.doorbell import Doorbell
from rlreactor.links.ends import Wake
from rlreactor.links.exchange import Exchange
from rlreactor.links.reliable import Arrival, Receiver, Sender
from rlreactor.links.ring import RingReader
from rlreactor.links.slotted import SlotReader
from rlreactor.links.status import Snapshot
from rlreactor.runtime import audience, intake, outbox, waiting
from rlreactor.runtime.intake import Intake
from rlreactor.runtime.neighbourhood import Neighbourhood
from rlreactor.runtime.outbox import Outbox
from rlreactor.runtime.waiting import Waiting
from rlreactor.scheduler import routes
from rlreactor.scheduler.cadence import Cadence
from rlreactor.scheduler.edges import InEdge
from rlreactor.scheduler.frontier import Frontiers
from rlreactor.tag import FOREVER, Delay, Point

from .simulate import HOST, NETWORK
from .slots import SlotsOfReader

__all__ = ["FAULTS", "Fault"]


class Fault(NamedTuple):
    """A bug: its name, where it is looked for, and what plants it, as (owner, attribute, replacement)."""

    name: str
    mode: str
    patches: tuple[tuple[Any, str, Any], ...]

    @contextmanager
    def planted(self) -> Generator[None]:
        """The bug is in the code."""
        with ExitStack() as stack:
            for owner, attribute, replacement in self.patches:
                stack.enter_context(patch.object(owner, attribute, replacement))
            yield


FAULTS: list[Fault] = []


def _fault(name: str, modes: str, *places: tuple[Any, str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The decorated function, given the original, makes the replacement. `modes`: "h", "n" or both."""

    def plant(make: Callable[..., Any]) -> Callable[..., Any]:
        patches = tuple((owner, attribute, make(getattr(owner, attribute))) for owner, attribute in places)
        for letter in modes:
            FAULTS.append(Fault(name, HOST if letter == "h" else NETWORK, patches))
        return make

    return plant


def _always(value: Any) -> Callable[..., Any]:
    def answer(*_: Any) -> Any:
        return value

    return answer


# Frontiers, gates and floors


@_fault("a frontier is read one rank too high", "hn", (InEdge, "advance"))
def _(original: Any) -> Any:
    def advance(self: InEdge, frontier: tuple[int, int, int]) -> bool:
        news: bool = original(self, (frontier[0], frontier[1], frontier[2] + 1))
        return news

    return advance


@_fault("a frontier is promised one microstep too high", "hn", (Frontiers, "promise"))
def _(original: Any) -> Any:
    def promise(self: Frontiers, candidate: Point) -> tuple[int, int, int]:
        time, microstep, rank = original(self, candidate)
        return (time, microstep + 1, rank) if time != FOREVER.time else (time, microstep, rank)

    return promise


@_fault("the frontier is published before what it promises is sent", "hn", (Outbox, "add"))
def _(original: Any) -> Any:
    def add(self: Outbox, outlet: Any) -> None:
        tag = self._position.execution.tag
        self._publish((tag[0], tag[1], outlet.last_writer + 1), tag)
        original(self, outlet)

    return add


@_fault("a notice says that one rank more is sent than is", "hn", (outbox, "wire"))
def _(original: Any) -> Any:
    class Wire:
        def __getattr__(self, name: str) -> Any:
            return getattr(original, name)

        def head(self, tag: Point, rank: int = 0) -> bytes:
            data: bytes = original.head(tag, rank + 1)
            return data

    return Wire()


@_fault("messages wait while the worker waits at a gate", "hn", (Outbox, "done"))
def _(original: Any) -> Any:
    return _always(False)


@_fault("tags in between are taken for impossible", "hn", (routes, "joined"))
def _(original: Any) -> Any:
    def joined(these: Iterable[Cadence | None]) -> Cadence | None:
        found: Cadence | None = original(these)
        return found and Cadence(found.first, 2 * found.period)

    return joined


@_fault("whoever waits at a gate does not tell that it sends nothing before", "hn", (Neighbourhood, "at_gate"))
def _(original: Any) -> Any:
    def at_gate(self: Neighbourhood, rank: int) -> bool:
        with patch.object(self.outbox, "say", _always(None)), patch.object(self.outbox, "tell", _always(None)):
            passed: bool = original(self, rank)
        return passed

    return at_gate


@_fault("a gate is skipped", "hn", (Neighbourhood, "at_gate"))
def _(original: Any) -> Any:
    return _always(True)


@_fault("a tag starts without waiting", "h", (Frontiers, "known_before"))
def _(original: Any) -> Any:
    def known_before(self: Frontiers, tag: Point) -> bool:
        return tag != FOREVER

    return known_before


@_fault("a floor ignores what is under way", "h", (Board, "snapshot"))
def _(original: Any) -> Any:
    def snapshot(self: Board) -> Snapshot:
        statuses = [self.read(w)[1] for w in range(self.workers)]
        return Snapshot(statuses, True, list(self._sent_matrix()[self._me]))

    return snapshot


@_fault("a floor ignores what is under way", "n", (DistantBoard, "snapshot"))
def _(original: Any) -> Any:
    def snapshot(self: DistantBoard) -> Snapshot:
        return Snapshot([row.status for row in self._rows], True, [row.sent[self._me or 0] for row in self._rows])

    return snapshot


@_fault("a snapshot looks only once", "h", (Board, "snapshot"))
def _(original: Any) -> Any:
    def snapshot(self: Board) -> Snapshot:
        sent = self._sent_matrix()
        statuses = [self.read(w)[1] for w in range(self.workers)]
        late = [w for w, s in enumerate(statuses) if sum(row[w] for row in sent) != s.received and not self.gone(w)]
        for worker in late:
            time, microstep, _ = statuses[worker].frontier
            statuses[worker] = statuses[worker]._replace(head=min(statuses[worker].head, (time, microstep)))
        return Snapshot(statuses, not late, [row[self._me] for row in sent])

    return snapshot


@_fault("the status is read after the messages", "h", (Intake, "receive"))
def _(original: Any) -> Any:
    def receive(self: Intake) -> bool:
        news = False
        for worker, reader in self._readers.items():
            news = self._read(worker, reader) or news
            version, status = self._board.read(worker)
            if version != self._seen[worker]:
                self._seen[worker] = version
                self._frontiers.advance(worker, status.frontier)
                news = True
        self.pass_on_stop()
        return news

    return receive


# Stops


@_fault("a stop is told to one neighbour only", "hn", (Neighbourhood, "stop_at"), (Intake, "pass_on_stop"))
def _(original: Any) -> Any:
    def tell(self: Neighbourhood | Intake, tag: Point | None = None) -> None:
        if isinstance(self, Intake):
            self._to_tell = None
        elif tag is not None:
            self.outbox._write(next(iter(self.outbox.writers)), [wire.head(tag), wire.inline(wire.STOP, b"")])

    return tell


@_fault("starvation stops one microstep late", "hn", (Intake, "adopt_stop"))
def _(original: Any) -> Any:
    def adopt(self: Intake, tag: Point, *, dry: bool) -> None:
        own = dry and self._position.scheduler.candidate() == FOREVER and self._to_tell is None
        original(self, (tag[0], tag[1] + 1) if own else tag, dry=dry)

    return adopt


@_fault("promises from before a stop stay valid", "h", (Frontiers, "run_dry"))
def _(original: Any) -> Any:
    def run_dry(self: Frontiers, stop: Point) -> None:
        self.floor = stop

    return run_dry


# Slots


@_fault("a slot is freed a tag early", "h", (SlotReader, "receive"))
def _(original: Any) -> Any:
    def receive(self: SlotReader, index: int) -> Any:
        value = original(self, index)
        self._released.store(0, self._count + 1)
        return value

    return receive


@_fault("a slot is freed while somebody keeps its value", "h", (SlotsOfReader, "detach_if_held"))
def _(original: Any) -> Any:
    return _always(False)


@_fault("slots are given back out of order", "h", (SlotReader, "finish"))
def _(original: Any) -> Any:
    def finish(self: SlotReader, index: int) -> None:
        self._memory.detach_if_held(index)
        self._count += 1
        self._released.store(0, self._count)
        self._ring()

    return finish


# Delays


@_fault("a delayed message arrives at the tag at which it was sent", "hn", (Intake, "_accept"))
def _(original: Any) -> Any:
    def accept(self: Intake, worker: int, data: bytes) -> None:
        def added_to(delay: Delay, tag: Point) -> Point:
            return max(tag, self._position.execution.tag)

        with patch.object(Delay, "added_to", added_to):
            original(self, worker, data)

    return accept


# Wake-ups


@_fault("a worker falls asleep without a second look", "h", (Doorbell, "wait"))
def _(original: Any) -> Any:
    def wait(
        self: Doorbell,
        predicate: Callable[[], bool],
        *,
        spin: int = 0,
        timeout_s: float | None = None,
        any_ring: bool = False,
    ) -> Wake:
        if predicate():
            return Wake(True)
        self._looks += 1
        self._cells[self._index] = self._looks
        try:
            return self._sleep(predicate, timeout_s, any_ring)
        finally:
            self._cells[self._index] = 0

    return wait


@_fault(
    "no fence between news and the look at who sleeps",
    "h",
    (doorbell, "fence"),
    (intake, "fence"),
    (outbox, "fence"),
    (waiting, "fence"),
    (audience, "fence"),
)
def _(original: Any) -> Any:
    return _always(None)


@_fault("nobody says from when on news is wanted", "h", (Waiting, "want"))
def _(original: Any) -> Any:
    def want(self: Waiting, tag: Point) -> None:
        self._board.set_wanted(FOREVER.time)

    return want


@_fault("a ring is read only in part", "h", (RingReader, "read"))
def _(original: Any) -> Any:
    def read(self: RingReader) -> list[bytes]:
        messages: list[bytes] = original(self)
        return messages[:3]

    return read


# The reliable protocol


@_fault("an acknowledgement is skipped", "n", (Receiver, "receive"))
def _(original: Any) -> Any:
    def receive(self: Receiver, data: bytes) -> Arrival:
        arrival: Arrival = original(self, data)
        return arrival if arrival.payloads else Arrival([], [])

    return receive


@_fault("a frame is acknowledged that did not come", "n", (Receiver, "receive"))
def _(original: Any) -> Any:
    def receive(self: Receiver, data: bytes) -> Arrival:
        arrival: Arrival = original(self, data)
        number = int.from_bytes(data[24:32], "little")
        if arrival.payloads or number <= self._expected or data[3] > 1:
            return arrival
        answer = bytearray(self.answer())
        answer[24:32] = (number + 1).to_bytes(8, "little")
        return Arrival([], [bytes(answer)])

    return receive


def _renumbered(self: Receiver, data: bytes) -> bytes:
    return data[:24] + self._expected.to_bytes(8, "little") + data[32:]


@_fault("a duplicate is not dropped", "n", (Receiver, "receive"))
def _(original: Any) -> Any:
    def receive(self: Receiver, data: bytes) -> Arrival:
        again = int.from_bytes(data[24:32], "little") < self._expected and data[3] < 2
        arrival: Arrival = original(self, _renumbered(self, data) if again else data)
        return arrival

    return receive


@_fault("a frame is delivered out of order", "n", (Receiver, "receive"))
def _(original: Any) -> Any:
    def receive(self: Receiver, data: bytes) -> Arrival:
        early = int.from_bytes(data[24:32], "little") > self._expected and data[3] < 2
        arrival: Arrival = original(self, _renumbered(self, data) if early else data)
        return arrival

    return receive


@_fault("a frame of an old epoch is accepted", "n", (Receiver, "receive"))
def _(original: Any) -> Any:
    def receive(self: Receiver, data: bytes) -> Arrival:
        arrival: Arrival = original(self, data[:8] + self.address.epoch.to_bytes(4, "little") + data[12:])
        return arrival

    return receive


@_fault("resending starts one frame late", "n", (Sender, "tick"))
def _(original: Any) -> Any:
    def tick(self: Sender, now: int) -> list[bytes]:
        frames: list[bytes] = original(self, now)
        return frames[1:]

    return tick


@_fault("credits are never returned", "n", (Receiver, "consumed"))
def _(original: Any) -> Any:
    return _always([])


@_fault("what is acknowledged together is forgotten when nothing goes back", "n", (Acknowledgements, "take"))
def _(original: Any) -> Any:
    def take(self: Acknowledgements, now: int) -> bytes | None:
        answer: bytes | None = original(self, now) if self._asked is not None else None
        return answer

    return take


@_fault("an acknowledgement that goes with something says one frame too many", "n", (Acknowledgements, "ride"))
def _(original: Any) -> Any:
    def ride(self: Acknowledgements) -> tuple[int, int]:
        expected, limit = original(self)
        return expected + 1, limit

    return ride


@_fault("a message overtakes the row that takes a promise back", "n", (Exchange, "_rider"))
def _(original: Any) -> Any:
    def rider(self: Exchange, target: int, room: int) -> bytes:
        row: bytes = b"" if self._told[target] < self.board.fell_at else original(self, target, room)
        return row

    return rider
