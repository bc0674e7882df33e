"""The ends of a link as a worker uses them: it writes, it reads, and it rings whoever sleeps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import NamedTuple

__all__ = ["Bell", "Reader", "Wake", "Writer"]


class Wake(NamedTuple):
    """Why a wait ended: the predicate's last word, and which extra descriptors can be read.

    Neither means that the time is up.
    """

    ready: bool
    readable: tuple[int, ...] = ()


class Writer(ABC):
    """The sending end for notices to one worker; see `RingWriter`.

    Attributes:
        most_entries: of one notice.
    """

    most_entries: int

    @property
    @abstractmethod
    def written(self) -> int:
        """Bytes since the start, with what every message costs besides its own."""

    @abstractmethod
    def try_write(self, parts: Sequence[bytes | memoryview]) -> bool: ...
    @abstractmethod
    def flush(self) -> bool: ...


class Reader(ABC):
    """The receiving end for messages from one worker; see `RingReader`.

    Attributes:
        made_room: whether the last `read` took anything, perhaps only a piece of a long message.
    """

    made_room: bool

    @abstractmethod
    def waiting(self) -> bool: ...
    @abstractmethod
    def read(self) -> list[bytes]: ...


class Bell(ABC):
    """Wakes a worker, and lets it sleep if it is this one; see `Doorbell`."""

    @abstractmethod
    def wait(
        self, predicate: Callable[[], bool], *, spin: int = 0, timeout_s: float | None = None, any_ring: bool = False
    ) -> Wake: ...
    @abstractmethod
    def ring(self) -> None: ...
    @abstractmethod
    def ring_after_fence(self) -> None: ...
