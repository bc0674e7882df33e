"""The carrier where some workers, or all, share no memory with this one: sockets to those, memory to the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from rlreactor.links import wire
from rlreactor.links.carrier import Wait, bell_for_room
from rlreactor.links.distant_board import DistantBoard
from rlreactor.links.distant_ends import (
    CountingReader,
    DistantBell,
    DistantReader,
    DistantWriter,
    Links,
    OwnBell,
    PumpingBoard,
)
from rlreactor.links.ends import Bell, Reader, Writer
from rlreactor.links.envelope import Envelope
from rlreactor.links.exchange import Land
from rlreactor.links.host_memory import HostMemory, SlotPlan
from rlreactor.links.landing import Landing
from rlreactor.links.near_storage import slotted_storage
from rlreactor.links.released import Count, ReleasedHere, ReleasedThere
from rlreactor.links.reliable import PeerFault
from rlreactor.links.segment import PAGE
from rlreactor.links.shared_words import OwnWords, SharedWords
from rlreactor.links.slotted import SlotReader, Slotted
from rlreactor.spec import Spec

__all__ = ["MixedCarrier", "distant_ports"]

_LOOK_UP_S = 0.05


def distant_ports(plans: Mapping[str, SlotPlan], writer: int, reader: int) -> list[SlotPlan]:
    """The ports whose slots go from `writer` to a `reader` that shares no memory with it, in the order of messages."""
    found = [plan for plan in plans.values() if plan.writer == writer and reader in plan.distant]
    return sorted(found, key=lambda plan: plan.number)


class MixedCarrier:
    """Worker `me`'s ends; implements `Carrier`.

    Args:
        memory: of this host.
        me: this worker.
        peers: the workers that share no memory with this one.
        audience: the workers that read something from this one.
        connect: makes the links to those, given the board and who takes the bytes of slots that arrive.
    """

    def __init__(
        self,
        memory: HostMemory,
        me: int,
        peers: Sequence[int],
        audience: Collection[int],
        connect: Callable[[DistantBoard, Land], Links],
    ) -> None:
        self._memory = memory
        self._me = me
        mapping = self._mapping = memory.map()
        near = self.near = [w for w in range(memory.workers) if w != me and w not in peers]
        self.own_words: OwnWords | None = None
        self.shared_words: dict[int, SharedWords] = {}  # near workers' rows travel on, so there is more to a message
        plans = memory.slot_plans
        self.board = PumpingBoard(
            memory.workers,
            me,
            {w: len(distant_ports(plans, w, me)) for w in peers},
            {w: len(distant_ports(plans, me, w)) for w in peers},
            memory.rows(mapping),
            near,
            [w for w in peers if w in audience],
        )
        self.overview = self.board.overview(memory.rows(mapping), memory.here)
        self._landings = {p.number: _landing(memory, p, me) for w in peers for p in distant_ports(plans, w, me)}
        self._links = connect(self.board, self._land)
        self.board.look = self._links.pump
        self.board.send_news = self._links.exchange.send_news
        self.board.tell_everybody = self._links.exchange.tell_everybody
        words = memory.board(mapping, me)
        bells: list[Bell] = [DistantBell(self._links, w) for w in range(memory.workers)]
        for worker in near:
            bells[worker] = memory.doorbell(words, worker)
        self._own_bell = bells[me] = OwnBell(self._links, self.board, memory.doorbell(words, me))
        self.bells: Sequence[Bell] = bells
        self.writers: dict[int, Writer] = {w: DistantWriter(self._links, w, _envelopes(memory, me, w)) for w in peers}
        self.readers: dict[int, Reader] = {w: DistantReader(self._links, w) for w in peers}
        for worker in near:
            self.writers[worker] = memory.writer(mapping, (me, worker))
            self.readers[worker] = CountingReader(self.board, memory.reader(mapping, (worker, me)), worker)

    def nap(self) -> bool:
        """Wait for a moment whether something comes from far away."""
        return self._own_bell.nap()

    def storage(self, path: str, spec: Spec[Any], wait: Wait) -> Slotted | None:
        """The slots of a port that this worker writes."""
        plan = self._memory.slot_plans.get(path)
        if plan is None:
            return None
        counts: list[tuple[int, Count]] = [(r, self._memory.released(self._mapping, path, r)) for r in plan.readers]
        counts += [(r, ReleasedThere(self.board, r, self._position(plan, self._me, r))) for r in plan.distant]
        return slotted_storage(spec, self._memory.slots(path, writable=True), counts, wait)

    def slot_reader(self, path: str, spec: Spec[Any]) -> SlotReader | None:
        """The slots of a port that another worker writes."""
        plan = self._memory.slot_plans.get(path)
        if plan is None:
            return None
        if self._me not in plan.distant:
            released = self._memory.released(self._mapping, path, self._me)
            ring = bell_for_room(self.board, self.bells[plan.writer], plan.writer, self._me)
            return SlotReader(spec, self._memory.slots(path, writable=False), released, ring)
        slots = self._memory.slots(path, writable=False, owner=self._me)
        count = ReleasedHere(self.board, plan.writer, self._position(plan, plan.writer, self._me), plan.slots)
        return SlotReader(spec, slots, count, _told_with_the_row, self._landings[plan.number])

    def _position(self, plan: SlotPlan, writer: int, reader: int) -> int:
        return distant_ports(self._memory.slot_plans, writer, reader).index(plan)

    def _land(self, source: int, entry: wire.Entry, data: memoryview, may_stay: bool) -> None:
        port, slot, _ = entry
        landing = self._landings.get(port)
        if landing is None or landing.source != source:
            raise PeerFault(f"a slot of port {port} from worker {source}, which sends no such slots here")
        landing.fill(slot, data, may_stay)

    def close(self, give_up: Callable[[], bool]) -> None:
        """Wait until the others have what was sent to them, unless `give_up()`, and close the sockets."""
        exchange = self._links.exchange
        while not give_up() and not exchange.settled:
            self._own_bell.wait(lambda: exchange.settled, timeout_s=_LOOK_UP_S)
        self._links.close(give_up=give_up())


def _told_with_the_row() -> None:
    """The board sees to it that the writer hears of free slots in time."""


def _landing(memory: HostMemory, plan: SlotPlan, me: int) -> Landing:
    pages = memory.slot_pages(plan.path, writable=True, owner=me)
    return Landing(plan.writer, plan.path, plan.spec.nbytes, pages)


def _envelopes(memory: HostMemory, me: int, target: int) -> dict[int, list[Envelope]]:
    """By port, every slot with a page on either side for what goes with it on the link to `target`, in one piece."""
    return {
        plan.number: [
            Envelope(memoryview(pages), PAGE, PAGE + plan.spec.nbytes)
            for pages in memory.slot_pages(plan.path, writable=False, room=PAGE)
        ]
        for plan in distant_ports(memory.slot_plans, me, target)
    }
