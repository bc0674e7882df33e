"""The shared memory of one run on one host: where the board, the rings and the slots lie.

Laid out by the supervisor from the plan before it forks the workers; every worker then maps its part. Nothing grows
during the run.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Collection, Mapping
from typing import NamedTuple

from rlreactor.links.board import Board
from rlreactor.links.doorbell import Doorbell, new_doorbell_fd
from rlreactor.links.memory_carrier import MemoryCarrier
from rlreactor.links.near_rows import NearRows
from rlreactor.links.pages import map_pages
from rlreactor.links.ring import RING_OVERHEAD, RingReader, RingWriter
from rlreactor.links.segment import PAGE, Segment, round_up
from rlreactor.links.slots import SlotMemory, slot_stride
from rlreactor.links.words import CACHE_LINE, Words
from rlreactor.spec import Spec

__all__ = ["HostMemory", "SlotPlan"]


class SlotPlan(NamedTuple):
    """A root port whose values lie in slots: who writes, who reads, how many.

    `readers` see the writer's slots. `distant` readers share no memory with the writer: each has slots of its own, as
    many. `number` is what stands for the port in messages.
    """

    path: str
    spec: Spec[object]
    writer: int
    readers: tuple[int, ...]
    slots: int
    distant: tuple[int, ...] = ()
    number: int = -1


class HostMemory:
    """Board, rings, release counters and doorbells in one segment, the slots of all ports in another.

    Args:
        workers: how many.
        rings: bytes of the ring between each directed pair (from, to) of workers.
        slot_plans: the ports whose values lie in slots.
        row_bytes: of a row that everybody on this host sees, where rows travel (see `DistantBoard`); else 0.
        here: the workers of this host; None: all.

    Raises LinkError when the memory cannot be had.
    """

    def __init__(
        self,
        workers: int,
        rings: Mapping[tuple[int, int], int],
        slot_plans: tuple[SlotPlan, ...],
        row_bytes: int = 0,
        here: Collection[int] | None = None,
    ) -> None:
        self.workers = workers
        here = self.here = range(workers) if here is None else here
        self._capacities = dict(rings)
        self.slot_plans = {plan.path: plan for plan in slot_plans}
        offset = round_up(Board.size(workers), CACHE_LINE)
        self.rings: dict[tuple[int, int], int] = {}
        for link, capacity in rings.items():
            self.rings[link] = offset
            offset += round_up(RING_OVERHEAD + capacity, CACHE_LINE)
        self._released: dict[tuple[str, int], int] = {}
        for plan in slot_plans:
            for reader in plan.readers if plan.writer in here else ():
                self._released[plan.path, reader] = offset
                offset += CACHE_LINE
        self._row_bytes = row_bytes
        self._rows = offset
        offset += NearRows.size(workers, row_bytes) if row_bytes else 0
        self._control = Segment(offset, "the links between workers")
        self._slot_offsets: dict[tuple[str, int], int] = {}  # port and whose slots
        size = 0
        for plan in slot_plans:
            for owner in (w for w in (plan.writer, *plan.distant) if w in here):
                self._slot_offsets[plan.path, owner] = size
                size += plan.slots * slot_stride(plan.spec)
        self._payload = Segment(max(size, PAGE), _largest(slot_plans))
        self._bells = [new_doorbell_fd() for _ in range(workers)]

    @property
    def nbytes(self) -> int:
        """Bytes reserved."""
        return self._control.size + self._payload.size

    def map(self) -> mmap.mmap:
        """The control segment in this process."""
        return self._control.map(writable=True)

    def board(self, mapping: mmap.mmap, me: int) -> Board:
        """The board as worker `me` sees it."""
        return Board(mapping, 0, self.workers, me)

    def writer(self, mapping: mmap.mmap, link: tuple[int, int]) -> RingWriter:
        """The writing end of a ring."""
        return RingWriter(mapping, self.rings[link], self._capacities[link])

    def reader(self, mapping: mmap.mmap, link: tuple[int, int]) -> RingReader:
        """The reading end of a ring."""
        return RingReader(mapping, self.rings[link], self._capacities[link])

    def released(self, mapping: mmap.mmap, path: str, reader: int) -> Words:
        """The word in which `reader` counts the slots of `path` it has finished with."""
        return Words(mapping, self._released[path, reader], 1)

    def rows(self, mapping: mmap.mmap) -> NearRows:
        """The rows that everybody on this host sees."""
        return NearRows(mapping, self._rows, self.workers, self._row_bytes)

    def slots(self, path: str, *, writable: bool, owner: int | None = None) -> SlotMemory[object]:
        """The slots of a port: its writer's, or those of a distant reader."""
        plan = self.slot_plans[path]
        return SlotMemory(self._payload, self._slot_offset(plan, owner), plan.spec, plan.slots, writable)

    def slot_pages(self, path: str, *, writable: bool, owner: int | None = None, room: int = 0) -> list[mmap.mmap]:
        """The bytes of each slot once more, with `room` bytes of private memory on either side."""
        plan = self.slot_plans[path]
        start, stride = self._slot_offset(plan, owner), slot_stride(plan.spec)
        return [map_pages(self._payload, start + i * stride, stride, writable, room=room) for i in range(plan.slots)]

    def _slot_offset(self, plan: SlotPlan, owner: int | None) -> int:
        return self._slot_offsets[plan.path, plan.writer if owner is None else owner]

    def doorbell(self, board: Board, worker: int) -> Doorbell:
        """The bell that wakes `worker`."""
        return Doorbell(self._bells[worker], *board.asleep(worker))

    def open(self, me: int) -> MemoryCarrier:
        """Everything that worker `me` needs of it, in its own process."""
        return MemoryCarrier(self, me)

    def watch(self) -> Board:
        """The board, to look at."""
        return self.board(self.map(), 0)

    def close(self) -> None:
        """Give the descriptors back; memory that is mapped somewhere stays until it is unmapped."""
        self._control.close()
        self._payload.close()
        for fd in self._bells:
            os.close(fd)
        self._bells = []

    def remove(self) -> None:
        """After the run; there is nothing that has a name."""
        self.close()


def _largest(plans: tuple[SlotPlan, ...]) -> str:
    if not plans:
        return "payloads"
    plan = max(plans, key=lambda p: p.slots * slot_stride(p.spec))
    return f"payloads (the largest edge is {plan.path}: {plan.slots} slots of {slot_stride(plan.spec)} bytes)"
