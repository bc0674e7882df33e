"""The shared memory of one run on one host: where the board, the rings and the slots lie.

Laid out by the supervisor from the plan before it forks the workers; every worker then maps its part. Nothing grows
during the run.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping
from typing import NamedTuple

from rlreactor.links.board import Board
from rlreactor.links.doorbell import Doorbell, new_doorbell_fd
from rlreactor.links.ring import RING_OVERHEAD, RingReader, RingWriter
from rlreactor.links.segment import PAGE, Segment, round_up
from rlreactor.links.slots import SlotMemory, slot_stride
from rlreactor.links.words import CACHE_LINE, Words
from rlreactor.spec import Spec

__all__ = ["HostMemory", "SlotPlan"]


class SlotPlan(NamedTuple):
    """A root port whose values lie in slots: who writes, who reads, how many."""

    path: str
    spec: Spec[object]
    writer: int
    readers: tuple[int, ...]
    slots: int


class HostMemory:
    """Board, rings, release counters and doorbells in one segment, the slots of all ports in another.

    Args:
        workers: how many.
        rings: bytes of the ring between each directed pair (from, to) of workers.
        slot_plans: the ports whose values lie in slots.

    Raises LinkError when the memory cannot be had.
    """

    def __init__(
        self,
        workers: int,
        rings: Mapping[tuple[int, int], int],
        slot_plans: tuple[SlotPlan, ...],
    ) -> None:
        self.workers = workers
        self._capacities = dict(rings)
        self.slot_plans = {plan.path: plan for plan in slot_plans}
        offset = round_up(Board.size(workers), CACHE_LINE)
        self.rings: dict[tuple[int, int], int] = {}
        for link, capacity in rings.items():
            self.rings[link] = offset
            offset += round_up(RING_OVERHEAD + capacity, CACHE_LINE)
        self._released: dict[tuple[str, int], int] = {}
        for plan in slot_plans:
            for reader in plan.readers:
                self._released[plan.path, reader] = offset
                offset += CACHE_LINE
        self._control = Segment(offset, "the links between workers")
        self._slot_offsets: dict[str, int] = {}
        size = 0
        for plan in slot_plans:
            self._slot_offsets[plan.path] = size
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

    def slots(self, path: str, *, writable: bool) -> SlotMemory[object]:
        """The slots of a port."""
        plan = self.slot_plans[path]
        return SlotMemory(self._payload, self._slot_offsets[path], plan.spec, plan.slots, writable)

    def doorbell(self, board: Board, worker: int) -> Doorbell:
        """The bell that wakes `worker`."""
        return Doorbell(self._bells[worker], *board.asleep(worker))

    def close(self) -> None:
        """Give the descriptors back; memory that is mapped somewhere stays until it is unmapped."""
        self._control.close()
        self._payload.close()
        for fd in self._bells:
            os.close(fd)
        self._bells = []


def _largest(plans: tuple[SlotPlan, ...]) -> str:
    if not plans:
        return "payloads"
    plan = max(plans, key=lambda p: p.slots * slot_stride(p.spec))
    return f"payloads (the largest edge is {plan.path}: {plan.slots} slots of {slot_stride(plan.spec)} bytes)"
