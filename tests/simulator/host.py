"""The memory of one host, simulated: the real board, rings and doorbells on simulated words, in one process."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Mapping
from typing import Any, cast

from rlreactor.links.board import Board
from rlreactor.links.distant_board import DistantBoard
from rlreactor.links.doorbell import Doorbell
from rlreactor.links.ends import Wake
from rlreactor.links.host_memory import HostMemory, SlotPlan
from rlreactor.links.memory_carrier import MemoryCarrier
from rlreactor.links.near_rows import NearRows
from rlreactor.links.ring import RING_OVERHEAD, RingReader, RingWriter
from rlreactor.links.segment import round_up
from rlreactor.links.words import CACHE_LINE

from .simulation import Simulation
from .slots import SharedSlots, SlotsOfReader, SlotsOfWriter
from .words import SimulatedWords

__all__ = ["SimulatedDoorbell", "SimulatedMemory"]


class SimulatedDoorbell(Doorbell):
    """The real one, but its eventfd is a flag of the simulated process."""

    def __init__(self, simulation: Simulation, owner: int, cells: Any, index: int) -> None:
        self._simulation = simulation
        self._owner = owner
        self._cells = cells
        self._index = index
        self._extra = ()
        self._looks = self._rung = 0

    def wait(
        self,
        predicate: Callable[[], bool],
        *,
        spin: int = 0,
        timeout_s: float | None = None,
        any_ring: bool = False,
        extra_fds: tuple[int, ...] = (),
    ) -> Wake:
        """The real one; what its extra descriptors stand for rings here too."""
        return super().wait(predicate, spin=spin, timeout_s=timeout_s, any_ring=any_ring)

    def _sleep(self, predicate: Callable[[], bool], timeout_s: float | None, any_ring: bool) -> Wake:
        deadline = self._simulation.now + round(1e9 * (0.05 if timeout_s is None else timeout_s))
        while True:
            rung = self._simulation.sleep(deadline)
            if rung:
                self._say_asleep()
            ready = (any_ring and rung) or predicate()
            if ready and not rung and not self._simulation.processes[self._owner].rung:  # just now is late, not lost
                self._simulation.overslept()
            if ready or not rung:
                return Wake(ready)

    def _wake(self) -> None:
        self._simulation.ring(self._owner)


class SimulatedMemory:
    """Offers what `MemoryCarrier` uses of `HostMemory`."""

    def __init__(
        self,
        simulation: Simulation,
        workers: int,
        rings: Mapping[tuple[int, int], int],
        slot_plans: tuple[SlotPlan, ...],
    ) -> None:
        self.workers = workers
        self.here = range(workers)
        self.slot_plans = {plan.path: plan for plan in slot_plans}
        self.rings: dict[tuple[int, int], int] = {}
        self._capacities = dict(rings)
        self._simulation = simulation
        offset = round_up(Board.size(workers), CACHE_LINE)
        for link, capacity in rings.items():
            self.rings[link] = offset
            offset += round_up(RING_OVERHEAD + capacity, CACHE_LINE)
        self._released: dict[tuple[str, int], int] = {}
        for plan in slot_plans:
            for reader in plan.readers:
                self._released[plan.path, reader] = offset
                offset += CACHE_LINE
        self._rows = offset
        offset += NearRows.size(workers, DistantBoard.row_length(workers))
        self._mapping = mmap.mmap(-1, offset)
        self._observer = Board(self._mapping, 0, workers, 0)
        self._distant_observer = DistantBoard(workers, None, rows=self.rows(self._mapping), near=range(workers))
        self._slots = {plan.path: SharedSlots(plan.path, plan.spec, plan.slots, self.gone) for plan in slot_plans}

    def open(self, me: int) -> MemoryCarrier:
        """The ends of worker `me`."""
        return MemoryCarrier(cast("HostMemory", self), me)

    def gone(self, worker: int) -> bool:
        """Whether a worker has left."""
        return self._observer.gone(worker) or self._distant_observer.gone(worker)

    def map(self) -> mmap.mmap:
        """The control segment."""
        return self._mapping

    def board(self, mapping: mmap.mmap, me: int) -> Board:
        """The board as worker `me` sees it."""
        self._me = me
        return Board(mapping, 0, self.workers, me)

    def writer(self, mapping: mmap.mmap, link: tuple[int, int]) -> RingWriter:
        """The writing end of a ring."""
        return RingWriter(mapping, self.rings[link], self._capacities[link])

    def reader(self, mapping: mmap.mmap, link: tuple[int, int]) -> RingReader:
        """The reading end of a ring."""
        return RingReader(mapping, self.rings[link], self._capacities[link])

    def released(self, mapping: mmap.mmap, path: str, reader: int) -> SimulatedWords:
        """The word in which `reader` counts the slots of `path` it has finished with."""
        return SimulatedWords(self._simulation, mapping, self._released[path, reader], 1)

    def rows(self, mapping: mmap.mmap) -> NearRows:
        """The rows that everybody on this host sees."""
        return NearRows(mapping, self._rows, self.workers, DistantBoard.row_length(self.workers))

    def slots(self, path: str, *, writable: bool, owner: int | None = None) -> SlotsOfWriter | SlotsOfReader:
        """The slots of a port."""
        point = self._simulation.point
        if writable:
            return SlotsOfWriter(self._slots[path], point)
        assert self._simulation.current is not None
        return SlotsOfReader(self._slots[path], self._simulation.current.index, point, distant=owner is not None)

    def slot_pages(self, path: str, *, writable: bool, owner: int | None = None, room: int = 0) -> list[bytearray]:
        """The bytes of a port's slots: where they arrive at a distant reader, or with room for headers."""
        slots = self._slots[path]
        return slots.envelopes(room) if owner is None else slots.landing(owner)

    def doorbell(self, board: Board, worker: int) -> SimulatedDoorbell:
        """The bell that wakes `worker`."""
        words, index = board.asleep(worker)
        return SimulatedDoorbell(self._simulation, worker, words, index)
