"""A slot and the room around it, for what goes with its bytes in one frame."""

from __future__ import annotations

__all__ = ["Envelope"]


class Envelope:
    """The bytes from `start` to `end` of `memory`, which is one link's alone.

    Frames that begin and end at the same places are the same object, so that whoever carries them prepares each once.
    """

    def __init__(self, memory: memoryview, start: int, end: int) -> None:
        self.start = start
        self.length = end - start
        self.behind = len(memory) - end  # bytes of room
        self._memory = memory
        self._end = end
        self._frames: dict[tuple[int, int], memoryview] = {}

    def frame(self, before: int, behind: int) -> memoryview:
        """The slot with so many bytes on either side."""
        frame = self._frames.get((before, behind))
        if frame is None:
            frame = self._frames[before, behind] = self._memory[self.start - before : self._end + behind]
        return frame
