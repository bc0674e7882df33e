"""Where the value of a root port goes: into the trace and the fingerprint, to later tags, to other workers."""

from __future__ import annotations

from typing import Any

from rlreactor.access import Cell
from rlreactor.execution import Execution
from rlreactor.scheduler.recorder import PortRecorder
from rlreactor.scheduler.steady import Outflow
from rlreactor.spec import Spec
from rlreactor.storage import Storage
from rlreactor.tag import Point

__all__ = ["CellGroup", "Outlet"]


class CellGroup:
    """The cell that one root feeds after one delay. `path` names a physical connection in recordings."""

    def __init__(self, cell: Cell, path: str) -> None:
        self.cell = cell
        self.path = path

    @property
    def ranks(self) -> tuple[int, ...]:
        """The reactions that a value triggers."""
        return self.cell.ranks

    def fire(self, stored: Any, execution: Execution) -> None:
        """A value arrives."""
        if self.path and execution.record is not None:
            execution.record(self.path, stored)
        self.cell.assign(stored, execution)


class Outlet(Outflow):
    """What happens to the value of a root port at the end of the reaction or the tag.

    Args:
        path: of the port.
        index: of the port among all root ports, the same on every worker.
        last_writer: rank of the last reaction that may set the port.
    """

    __slots__ = ("last_writer", "path", "recorder", "sent", "spec")

    def __init__(
        self,
        path: str,
        spec: Spec[Any],
        index: int,
        last_writer: int,
        cell: Cell,
        storage: Storage,
        recorder: PortRecorder,
    ) -> None:
        self.path = path
        self.spec = spec
        self.index = index
        self.last_writer = last_writer
        self.cell = cell
        self.storage = storage
        self.recorder = recorder
        self.record = recorder.record
        self.unhashed = recorder.unhashed if recorder.plain else None
        self.hash_bytes = recorder.hash_bytes
        self.deliver_later = _nowhere
        self.delayed = ()
        self.remote = ()
        self.slots = None
        self.lies_in_memory = bool(spec.fields)
        self.sent = False  # at this tag, to the other workers

    def finish(self, tag: Point) -> None:
        """The tag at which the port was set is done."""
        if self.record is not None:
            self.record(tag, self.cell.value)
        if self.delayed:
            self.deliver_later(self, tag)


def _nowhere(outlet: Outlet, tag: Point) -> None:
    raise AssertionError(f"{outlet.path} belongs to no scheduler")
