"""The receiving end of an edge between workers: messages become values in cells, slots are given back.

A value that lies in a slot has a lease. It ends with the tag at which the value arrived, or, where a reader holds its
last value, when the next one has taken its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rlreactor.access import Cell
from rlreactor.execution import Execution
from rlreactor.links.slotted import Lease, SlotReader
from rlreactor.pool import Pool
from rlreactor.scheduler.queue import EventQueue
from rlreactor.spec import Spec
from rlreactor.tag import NO_DELAY, Delay

__all__ = ["Inlet", "RemotePort", "evacuate"]


class Inlet:
    """Where values of one remote port arrive on this worker after one delay."""

    def __init__(
        self,
        source: int,
        delay: Delay,
        cell: Cell,
        held: bool,
        backlog: list[int],
        end_lease: Callable[[Cell | None, Lease], None],
    ) -> None:
        self.source = source
        self.delay = delay
        self.immediate = delay == NO_DELAY
        self.cell = cell
        self._assign = cell.assign  # looked up once: a tag of a microsecond has many such calls
        self._physical = delay.physical
        self._held = held
        self._backlog = backlog  # per worker: messages that wait for their tag
        self._end_lease = end_lease
        self._lease: Lease | None = None

    @property
    def ranks(self) -> tuple[int, ...]:
        """The reactions that a value triggers."""
        return self.cell.ranks

    def fire(self, stored: tuple[Any, Lease | None], execution: Execution) -> None:
        """The value's tag has come."""
        value, lease = stored
        self._backlog[self.source] -= 1
        if self._physical and execution.record is not None:
            execution.record(self._physical, value)
        self._assign(value, execution)
        if self._held:
            self._lease, lease = lease, self._lease
            if lease is not None:
                self._end_lease(None, lease)
        elif lease is not None:
            self._end_lease(self.cell, lease)

    def give_back(self, stored: tuple[Any, Lease | None]) -> None:
        """A value that is not wanted: its tag will never come here."""
        self._backlog[self.source] -= 1
        if stored[1] is not None:
            stored[1].drop()

    def hold(self, value: Any) -> None:
        """Hold this value, which needs no slot, in place of any other."""
        lease, self._lease = self._lease, None
        self.cell.value = value
        if lease is not None:
            lease.drop()

    def take(self, value: Any) -> tuple[Any, Lease | None]:
        """What to queue of a value that came from nowhere and needs no slot."""
        self._backlog[self.source] += 1
        return value, None

    def evacuate(self) -> None:
        """Replace a held value by a copy that needs no slot."""
        lease, self._lease = self._lease, None
        if lease is not None:
            self.cell.value = lease.reader.private(self.cell.value)
            lease.drop()


class RemotePort:
    """A root port of another worker: how its messages become values here."""

    def __init__(self, source: int, spec: Spec[Any], inlets: tuple[Inlet, ...], slots: SlotReader | None) -> None:
        self.source = source
        self.spec = spec
        self.inlets = inlets
        self.slots = slots
        self.carries_numbers = spec.is_number
        self._pool = Pool(spec, frozen=True) if spec.fields else None
        self.values = [] if self._pool is None else self._pool.values  # memory for what comes in messages

    def leased(self, slot: int) -> tuple[Any, Lease]:
        """The value in a slot that was announced, and what gives the slot back."""
        assert self.slots is not None
        return self.slots.receive(slot), Lease(self.slots, slot, len(self.inlets))

    def decode(self, payload: bytes | memoryview) -> Any:
        """The value of a message's bytes, its arrays placed as in a slot. Raises SpecError for a wrong length."""
        if self._pool is None or len(payload) != self.spec.nbytes:
            return self.spec.decode(payload)
        lent = self._pool.take()
        lent.memory[:] = payload
        return lent.value


def evacuate(
    ports: Iterable[RemotePort], queue: EventQueue, ended: list[tuple[Cell | None, Lease]]
) -> list[tuple[Cell | None, Lease]]:
    """Copy values out of slots whose writer waits, through others, for this very worker; returns the leases left.

    Only a circle of waiting workers can need this (a delay longer than the slots foresaw): the writer wants a slot,
    we hold them all for this or later tags, and those tags want something from the writer first.
    """
    full = [port for port in ports if port.slots is not None and port.slots.full]
    readers = {id(port.slots) for port in full}

    def without_slot(target: Any, stored: Any) -> Any:
        if not isinstance(target, Inlet) or stored[1] is None or id(stored[1].reader) not in readers:
            return stored
        private = stored[1].reader.private(stored[0])
        stored[1].drop()
        return private, None

    queue.rewrite(without_slot)
    for cell, lease in [entry for entry in ended if id(entry[1].reader) in readers]:
        if cell is not None:
            cell.value = lease.reader.private(cell.value)
        lease.drop()
    for port in full:
        for inlet in port.inlets:
            inlet.evacuate()
    return [entry for entry in ended if id(entry[1].reader) not in readers]
