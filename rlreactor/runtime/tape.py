"""What comes to one worker from outside: noted for a recording, or played from one."""

from __future__ import annotations

from typing import Any

from rlreactor.reactions import BoundReaction
from rlreactor.scheduler.binding import Nothing
from rlreactor.scheduler.recorder import PortRecorder
from rlreactor.scheduler.scheduler import Scheduler
from rlreactor.spec import Spec
from rlreactor.store.recording import PhysicalEvent, Recording
from rlreactor.tag import Tag

__all__ = ["Tape"]


class Tape:
    """Of one worker. Physical events are on it, and which deadlines were missed: that depends on the wall clock too.

    Attributes:
        recorders: of the ports whose values count.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._binding = binding = scheduler.binding
        self._graph = graph = binding.graph
        self.recorders: list[PortRecorder] = [
            outlet.recorder for path, outlet in binding.outlets.items() if graph.ports[path].recorded
        ]
        self._events: list[PhysicalEvent] = []
        self._missed: list[tuple[str, Tag]] = []

    def record(self) -> None:
        """Note from now on what comes."""
        self._binding.execution.record = self._note
        is_late = self._scheduler.is_late

        def noting(reaction: BoundReaction) -> bool:
            late = is_late(reaction)
            if late:
                self._missed.append((reaction.path, self._now()))
            return late

        self._scheduler.is_late = noting

    def _note(self, path: str, stored: Any) -> None:
        self._events.append(PhysicalEvent(path, self._now(), self._spec(path).encode(stored)))

    def _now(self) -> Tag:
        return Tag(*self._binding.execution.tag)

    def _spec(self, path: str) -> Spec[Any]:
        graph = self._graph
        return graph.actions[path].spec if path in graph.actions else graph.ports[path].spec

    def play(self, recording: Recording) -> None:
        """Queue what was recorded; what comes during the run is ignored."""
        scheduler, binding = self._scheduler, self._binding
        scheduler.inbox.closed = True
        scheduler.keepalive = False
        scheduler.stop_by(recording.stop)
        binding.queue.push(recording.stop, Nothing())
        missed, execution = frozenset(recording.missed), binding.execution
        scheduler.is_late = lambda reaction: reaction.deadline == 0 or (reaction.path, execution.tag) in missed
        targets = binding.physical_targets()
        for event in recording.events:
            if event.path in targets:
                binding.queue.push(event.tag, targets[event.path], self._spec(event.path).decode(event.payload))

    def happened(self) -> dict[str, Any]:
        """What came from outside, and what the program made of it: this worker's part of a recording."""
        return {
            "recorded": self._events,
            "missed": self._missed,
            "history": {recorder.path: recorder.history for recorder in self.recorders if recorder.history},
            "stop": self._scheduler.stop,
        }
