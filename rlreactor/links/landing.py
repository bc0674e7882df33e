"""Where the slots of one port arrive at a reader that shares no memory with the writer.

A slot that came in a frame of its own at the right place stays there: the frame is the value's memory, for as long as
anybody refers to it. Any other is copied to the pages of the slot of the same number. Either way the writer sends no
more of them than there are slots before the reader has finished with some.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rlreactor.links.reliable import PeerFault

__all__ = ["Landing"]


class Landing:
    """The slots of the port `path`, each of `nbytes` bytes, that worker `source` writes."""

    def __init__(self, source: int, path: str, nbytes: int, pages: Sequence[mmap.mmap]) -> None:
        self.source = source
        self._path = path
        self._nbytes = nbytes
        self._pages = pages
        self._stayed: list[NDArray[np.uint8] | None] = [None] * len(pages)

    def fill(self, slot: int, data: memoryview, may_stay: bool) -> None:
        """Take the bytes of a slot, which are a frame's; they may stay there or not. Raises PeerFault."""
        if not 0 <= slot < len(self._pages) or len(data) != self._nbytes:
            raise PeerFault(
                f"slot {slot} of {self._path} with {len(data)} bytes: expected one of {len(self._pages)} slots of "
                f"{self._nbytes} bytes"
            )
        if may_stay:
            # An array: what lies over one that cannot be written cannot be made writable either.
            self._stayed[slot] = np.frombuffer(data.toreadonly(), np.uint8)
        else:
            self._stayed[slot] = None
            memoryview(self._pages[slot])[: self._nbytes] = data

    def take(self, slot: int) -> NDArray[np.uint8] | None:
        """The bytes of a slot that stayed in its frame, which from now on is the caller's alone."""
        frame, self._stayed[slot] = self._stayed[slot], None
        return frame
