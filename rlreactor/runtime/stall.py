"""Stalls: when a worker waits for long, one message says who waits for whom."""

from __future__ import annotations

import logging
import time

from rlreactor.links.status_board import StatusBoard
from rlreactor.scheduler.edges import InEdge
from rlreactor.scheduler.routes import STOP, Routes
from rlreactor.scheduler.scheduler import Scheduler
from rlreactor.tag import FOREVER, Tag

__all__ = ["StallReport", "stalled_chain"]

_GATHERING_S = 0.25  # workers of one chain notice at about the same time: wait for all of them
_log = logging.getLogger("rlreactor")


class StallReport:
    """Gathers what waiting workers say, and tells it as one warning of the logger `rlreactor`."""

    def __init__(self) -> None:
        self._own: dict[int, str] = {}
        self._seen_by_others: dict[int, str] = {}
        self._due: float | None = None

    def hear(self, worker: int, lines: dict[int, str]) -> None:
        """`worker` waits, for the chain of workers in `lines`."""
        for other, line in lines.items():
            (self._own if other == worker else self._seen_by_others)[other] = line
        if self._due is None:
            self._due = time.monotonic() + _GATHERING_S

    def due_in_s(self) -> float | None:
        """Seconds until there is something to tell; None when there is nothing."""
        return None if self._due is None else max(0.0, self._due - time.monotonic())

    def tell_if_due(self) -> None:
        """Tell it once everybody had time to speak."""
        if self._due is not None and time.monotonic() >= self._due:
            lines = {**self._seen_by_others, **self._own}
            _log.warning("the run stalls:\n%s", "\n".join(f"  worker {w}: {lines[w]}" for w in sorted(lines)))
            self._own, self._seen_by_others, self._due = {}, {}, None


def stalled_chain(
    board: StatusBoard, me: int, scheduler: Scheduler, routes: Routes, edges: list[InEdge], gate: int | None
) -> dict[int, str]:
    """In words, by worker: for which edge worker `me` waits, and what those down the chain are doing."""
    reactions = scheduler.binding.graph.reactions
    chain = board.waits_for(me)
    lines = {me: _waiting(chain[:1], scheduler, routes, edges, gate)}
    for worker in chain:
        running = board.running(worker)
        time, microstep, _ = board.read(worker)[1].frontier
        reached = (time, microstep)
        doing = ""
        if running is not None and running[1] >= reached:  # it need not have told how far it is
            rank, reached = running
            doing = f", where it was last seen in {reactions[rank].path}"
        at = "its stop" if reached >= FOREVER else str(Tag(*reached))
        lines.setdefault(worker, f"is at {at}{doing}")
    return lines


def _waiting(awaited: list[int], scheduler: Scheduler, routes: Routes, edges: list[InEdge], gate: int | None) -> str:
    """Which reaction waits, at which tag, for which edge from whom."""
    execution, reactions = scheduler.binding.execution, scheduler.binding.graph.reactions
    if execution.reaction is not None:
        return f"{execution.reaction} at {Tag(*execution.tag)} waits for worker {awaited} to make room on a link"
    if not edges:
        return f"waits for worker {awaited}"
    edge = min(edges, key=lambda e: e.earliest)
    candidate = scheduler.candidate()
    before = "its first event" if candidate == FOREVER else str(Tag(*candidate))
    at = f"before {before}" if gate is None else f"at {Tag(*execution.tag)}"
    writer, reader = reactions[edge.writer], edge.reader if gate is None else gate
    waiting = "everything" if reader == STOP else reactions[reader].path
    ports = [port for port in writer.effects if routes.readers.get(port)]
    awaited_ports = "a stop request" if reader == STOP else ", ".join(ports)
    return (
        f"{waiting} {at} waits for {awaited_ports} from {writer.path} on worker {edge.source}, "
        f"known only before {Tag(*edge.earliest)}"
    )
