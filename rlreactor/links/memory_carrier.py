"""The carrier where all workers share memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from rlreactor.links.carrier import Wait, bell_for_room
from rlreactor.links.ends import Bell, Reader, Writer
from rlreactor.links.near_storage import slotted_storage
from rlreactor.links.slotted import SlotReader, Slotted
from rlreactor.spec import Spec

if TYPE_CHECKING:
    from rlreactor.links.host_memory import HostMemory

__all__ = ["MemoryCarrier"]


class MemoryCarrier:
    """Worker `me`'s ends in the memory of a host; implements `Carrier`."""

    def __init__(self, memory: HostMemory, me: int) -> None:
        self._memory = memory
        self._me = me
        self._mapping = memory.map()
        self.near: Collection[int] = [w for w in range(memory.workers) if w != me]
        self.board = self.overview = memory.board(self._mapping, me)
        self.bells: Sequence[Bell] = [memory.doorbell(self.board, w) for w in range(memory.workers)]
        writers = {t: memory.writer(self._mapping, (s, t)) for s, t in memory.rings if s == me}
        readers = {s: memory.reader(self._mapping, (s, t)) for s, t in memory.rings if t == me}
        self.writers: dict[int, Writer] = {**writers}
        self.readers: dict[int, Reader] = {**readers}
        self.own_words = self.board.own_words()
        self.shared_words = {
            w: self.board.shared_words(w, readers[w].cells, writers[w].cells) for w in readers.keys() & writers.keys()
        }

    def nap(self) -> bool:
        """There is nobody far away."""
        return False

    def storage(self, path: str, spec: Spec[Any], wait: Wait) -> Slotted | None:
        """The slots of a port that this worker writes."""
        plan = self._memory.slot_plans.get(path)
        if plan is None:
            return None
        released = [(r, self._memory.released(self._mapping, path, r)) for r in plan.readers]
        return slotted_storage(spec, self._memory.slots(path, writable=True), released, wait)

    def slot_reader(self, path: str, spec: Spec[Any]) -> SlotReader | None:
        """The slots of a port that another worker writes."""
        plan = self._memory.slot_plans.get(path)
        if plan is None:
            return None
        released = self._memory.released(self._mapping, path, self._me)
        memory = self._memory.slots(path, writable=False)
        ring = bell_for_room(self.board, self.bells[plan.writer], plan.writer, self._me)
        return SlotReader(spec, memory, released, ring)

    def close(self, give_up: Callable[[], bool]) -> None:
        """What was written stays written; the memory goes with the process."""
