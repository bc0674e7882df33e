"""Two workers that share memory: one that sends, one that reads, and the short ways between them."""

from __future__ import annotations

import mmap
import os
from collections.abc import Generator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from rlreactor import Array
from rlreactor.access import Cell
from rlreactor.execution import Execution
from rlreactor.links import wire
from rlreactor.links.board import Board
from rlreactor.links.doorbell import Doorbell, new_doorbell_fd
from rlreactor.links.ring import RingReader, RingWriter
from rlreactor.runtime.arrivals import Arrivals, Incoming, Tally
from rlreactor.runtime.inlet import Inlet, RemotePort
from rlreactor.runtime.position import Position
from rlreactor.runtime.post import Outgoing, Post
from rlreactor.scheduler.edges import Edges, InEdge
from rlreactor.scheduler.horizon import Horizon
from rlreactor.scheduler.queue import EventQueue
from rlreactor.scheduler.routes import Route
from rlreactor.scheduler.steady import Outflow, SteadyLoop
from rlreactor.spec import as_spec
from rlreactor.tag import NO_DELAY, Delay, Point

__all__ = [
    "CAPACITY", "LATER", "NUMBERS", "PORT", "RANK", "ROUTE", "SIZE", "Pair", "Slots", "carrying", "entry", "holding",
    "outlet", "rings", "sent", "short_way",
]  # fmt: skip

CAPACITY, WRITER, RANK = 1024, 3, 5
PORT, LATER = 7, 9  # indices of ports: of one without a delay, of one with
NUMBERS = Array(np.int64, (2,))
SIZE = as_spec(NUMBERS).nbytes
ROUTE = Route(1, WRITER, NO_DELAY, RANK, None)


class Pair(NamedTuple):
    """Worker 1 as the sender sees it, worker 0 as the reader does: the short ways, and the ends of the long one."""

    unsent: dict[int, list[bytes]]
    ways: dict[int, Outgoing]
    post: Post
    incoming: Incoming
    arrivals: Arrivals
    writer: RingWriter
    reader: RingReader
    boards: list[Board]
    bells: list[Doorbell]
    sent_at: list[int]
    tally: Tally
    position: Any  # of worker 0
    writing: Any  # of worker 1
    cells: dict[int, Cell]
    horizon: Horizon


def remote_port(delay: Delay, cell: Cell, backlog: list[int]) -> RemotePort:
    inlet = Inlet(1, delay, cell, False, backlog, _ignore)
    return RemotePort(1, as_spec(NUMBERS), (inlet,), None)


def _ignore(cell: Cell | None, lease: object) -> None:
    pass


class Scheduler(SteadyLoop):
    """So much of one as a position needs."""

    def __init__(self) -> None:
        super().__init__()
        self.binding = SimpleNamespace(execution=Execution(), queue=EventQueue())
        self.inbox = SimpleNamespace(waiting=False)


def position_at(tag: Point) -> Position:
    scheduler: Any = Scheduler()
    scheduler.binding.execution.tag = tag
    position = Position(scheduler)
    position.in_tag = True
    return position


@contextmanager
def short_way() -> Generator[Pair]:
    memory = mmap.mmap(-1, 1 << 16)
    ring, back = Board.size(2) + 64, 1 << 15
    boards = [Board(memory, 0, 2, me) for me in range(2)]
    bells = [Doorbell(new_doorbell_fd(), *boards[0].asleep(worker)) for worker in range(2)]
    writer, reader = RingWriter(memory, ring, CAPACITY), RingReader(memory, ring, CAPACITY)
    idle = RingWriter(memory, back, CAPACITY).cells
    horizon, edges = Horizon([InEdge(ROUTE)]), Edges([InEdge(ROUTE)])
    sent_at, tally = [-1, -1], Tally([-1, -1], [0, 0], [0, 0])
    ways = {0: Outgoing(boards[1].shared_words(0, idle, writer.cells), 0, bells[0], sent_at)}
    unsent: dict[int, list[bytes]] = {}
    position, writing = position_at((0, 0)), position_at((4, 0))
    post = Post(unsent, ways, ((0, edges),), boards[1].own_words(), Horizon([]), writing)
    cells = {PORT: Cell(), LATER: Cell()}
    ports = {
        PORT: remote_port(NO_DELAY, cells[PORT], tally.backlog),
        LATER: remote_port(Delay(10, 0), cells[LATER], tally.backlog),
    }
    words = boards[0].shared_words(1, reader.cells, idle)
    incoming = Incoming(words, 1, bells[1], False, horizon, ports, position, tally, SIZE, 100)
    ends = writer, reader, boards, bells, sent_at, tally
    yield Pair(unsent, ways, post, incoming, Arrivals((incoming,)), *ends, position, writing, cells, horizon)
    for bell in bells:
        os.close(bell.fd)


def entry(port: int, *numbers: int) -> bytes:
    return wire.inline(port, np.array(numbers, np.int64).tobytes().ljust(SIZE, b"\0"))


class Slots:
    """Of which the one with this number was filled."""

    def sent(self) -> int:
        return 3


class Outlet(Outflow):
    """So much of one as leaves."""

    def __init__(self, **given: Any) -> None:
        super().__init__()
        self.cell = Cell()
        self.cell.value, self.spec = "text", as_spec(str)
        stored: Any = SimpleNamespace(stored=memoryview(b"12345678901"))
        self.slots, self.lies_in_memory, self.storage, self.index, self.remote = None, True, stored, PORT, (0, 1)
        for name, value in given.items():
            setattr(self, name, value)


def outlet(**given: Any) -> Any:
    """Of a text in memory, if nothing else is given."""
    return Outlet(**given)


def holding(data: bytes) -> Any:
    """The outlet of a value for worker 0 that these bytes are."""
    return outlet(storage=SimpleNamespace(stored=memoryview(data)), remote=(0,))


def carrying(*numbers: int) -> Any:
    """The outlet of numbers for worker 0."""
    return holding(np.array(numbers, np.int64).tobytes().ljust(SIZE, b"\0"))


def sent(pair: Pair, *parts: bytes) -> None:
    """The long way to the reader."""
    assert pair.boards[1].count_sent(0) is not None
    assert pair.writer.try_write(parts)


def rings(bell: Doorbell) -> int:
    return os.eventfd_read(bell.fd)
