"""The loop of one worker while nothing unusual happens: tags whose sequences are written, for which nobody has to wait.

`steady.c` is the same in C.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rlreactor.scheduler.queue import EventQueue, Events
from rlreactor.tag import FOREVER, Point

if TYPE_CHECKING:
    from rlreactor.access import Cell
    from rlreactor.execution import Execution
    from rlreactor.links.slotted import Slotted
    from rlreactor.scheduler.gathering import Gathering
    from rlreactor.scheduler.neighbours import Passage
    from rlreactor.scheduler.outlet import CellGroup, Outlet
    from rlreactor.scheduler.sequence import Sequence
    from rlreactor.storage import Storage
    from rlreactor.tag import Delay

__all__ = ["Outflow", "SteadyLoop", "TimerTarget", "start_of"]

_OFTEN = 1024  # tags between two calls of `_hash`


def start_of(events: Events) -> object:
    """What tells one set of events from another."""
    return events[0][0] if len(events) == 1 else tuple([target for target, _ in events])


class TimerTarget:
    """Queues itself again whenever it fires. Without a `period`, in ns, it fires once."""

    __slots__ = ("_event", "_period", "_queue", "path", "ranks")

    def __init__(self, path: str, ranks: tuple[int, ...], period: int | None, queue: EventQueue) -> None:
        self.path = path
        self.ranks = ranks
        self._period = period
        self._queue = queue
        self._event = self, None

    def fire(self, stored: Any, execution: Execution) -> None:
        """Come again a period later."""
        period, queue = self._period, self._queue
        if period is None:
            return
        tag = (execution.tag[0] + period, 0)
        if queue.head is FOREVER:  # `push`, where nothing else is queued: a call is a twelfth of a short tag
            queue.head, queue.first = tag, [self._event]
        else:
            queue.push(tag, self)


class Outflow:
    """What the loop does with the value of a port at the end of a tag.

    Attributes:
        unhashed: where tag and value, or tags alone, wait to be hashed; None where that is not all.
        hash_bytes: takes the bytes of a value that has a fixed size.
        storage: where these bytes are.
        record: takes tag and value where `unhashed` is None; None where nothing is kept.
        delayed: where the value goes at later tags, by `deliver_later`.
        remote: workers that read the port.
        slots: that they see its values in.
        cell: of the port.
        index: of the port among all root ports, the same on every worker.
        lies_in_memory: whether a value's bytes lie there as they go into a message.
    """

    __slots__ = (
        "cell", "delayed", "deliver_later", "hash_bytes", "index", "lies_in_memory", "record", "remote", "slots",
        "storage", "unhashed",
    )  # fmt: skip

    unhashed: list[Any] | Gathering | None
    hash_bytes: Callable[[Any], object] | None
    storage: Storage
    record: Callable[[Point, Any], None] | None
    delayed: tuple[tuple[Delay, CellGroup], ...]
    deliver_later: Callable[[Outlet, Point], None]
    remote: tuple[int, ...]
    slots: Slotted | None
    cell: Cell
    index: int
    lies_in_memory: bool


class SteadyLoop:
    """The part of the scheduler that most tags go through.

    Attributes:
        last: the last tag that was processed.
        tags: how many were processed.
        _bound: tags from here on are not for this loop.
        _called: somebody wants the scheduler's own loop to come round.
        _unhashed: tags whose values may still wait in the recorders.
    """

    __slots__ = ("_bound", "_called", "_unhashed", "last", "tags")

    def __init__(self) -> None:
        self.last: Point = (0, -1)
        self.tags = 0
        self._bound: Point = FOREVER
        self._called = False
        self._unhashed = 0

    def _run_steadily(
        self,
        queue: EventQueue,
        execution: Execution,
        written: dict[object, Sequence | None],
        passage: Passage | None,
        /,
    ) -> bool:
        """Process tags until one is unusual; whether it was interrupted while it waited for another worker.

        The same as the scheduler's own loop, but in one piece: the calls between would be a third of a short tag.
        In C, what takes next to no time is recorded before the others are told.
        """
        present = execution.present
        nothing: Events = []  # what is queued at FOREVER; never added to, as every other tag is earlier
        while not self._called:
            tag, events = queue.head, queue.first
            is_due = tag < self._bound
            sequence = written.get(events[0][0] if len(events) == 1 else start_of(events)) if is_due else None
            if is_due and sequence is None:
                return False
            if sequence is None or not (passage is None or passage.clear(tag)):
                if passage is None or not passage.approach():
                    return False
                continue  # something has come: perhaps an earlier tag
            if queue.later:
                queue.advance()
            else:
                queue.head, queue.first = FOREVER, nothing
            execution.tag = tag
            for target, stored in events:
                target.fire(stored, execution)
            if sequence():
                return True
            if passage is not None:
                passage.reacted()
            for cell in present:
                outlet = cell.outlet
                if outlet is not None and outlet.delayed:
                    outlet.deliver_later(outlet, tag)
            if passage is not None:
                events = stored = nothing  # what refers to a value keeps its slot
                passage.tag_done()  # what follows is nobody else's business: they go on meanwhile
            for cell in present:
                cell.present = False
                outlet = cell.outlet
                if outlet is not None:
                    unhashed = outlet.unhashed
                    if unhashed is not None:
                        unhashed.append(tag)
                        if outlet.hash_bytes is None:
                            unhashed.append(cell.value)
                        else:
                            outlet.hash_bytes(outlet.storage.stored)
                    elif outlet.record is not None:
                        outlet.record(tag, cell.value)
            present.clear()
            self.last = tag
            self.tags += 1
            self._unhashed += 1
            if self._unhashed >= _OFTEN:
                self._hash()
        return False

    def _hash(self) -> None:
        raise NotImplementedError
