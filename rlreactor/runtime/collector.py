"""Messages under way at a cut: others sent them before it, and they arrive after it.

Logical time makes a cut consistent (the rule is Chandy and Lamport's, with tags in place of markers): everything sent
at an earlier tag belongs to the snapshot and nothing else does. A worker that has reached the cut goes on; until it
knows of every other one that nothing more comes from before the cut, it notes what does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rlreactor.runtime.inlet import Inlet
from rlreactor.tag import Point

__all__ = ["Collector"]


class Collector:
    """What one worker still has to wait for.

    Args:
        cut: ns of logical time.
        sources: the workers that send to this one.
        note: takes the arrival, the inlet and the value of what belongs to the snapshot.
        finish: called when all has come.
    """

    def __init__(
        self,
        cut: int,
        sources: Iterable[int],
        note: Callable[[Point, Inlet, Any], None],
        finish: Callable[[], None],
    ) -> None:
        self.cut = cut
        self.missing = set(sources)
        self.finish = finish
        self._note = note

    def take(self, sent: Point, arrival: Point, inlet: Inlet, value: Any) -> None:
        """A value has come."""
        if sent[0] < self.cut:
            self._note(arrival, inlet, value)

    def heard(self, worker: int) -> None:
        """All that `worker` sent before the cut has come."""
        self.missing.discard(worker)
