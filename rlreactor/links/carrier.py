"""What one worker needs of the others, whatever carries it: shared memory, sockets, or some of each.

The supervisor lays out a `Meeting` before it forks the workers; each of them then opens its own `Carrier`. Everything
above (waiting, sending, promising) is written against these and knows nothing of memory or sockets.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

from rlreactor.links.board import Snapshot, Status, StatusFields
from rlreactor.links.doorbell import Wake
from rlreactor.links.slotted import SlotReader, SlottedStorage
from rlreactor.links.words import fence
from rlreactor.spec import Spec
from rlreactor.tag import Point

__all__ = ["Bell", "Carrier", "Meeting", "Reader", "StatusBoard", "Wait", "Writer", "bell_for_room"]

Wait = Callable[[int, Callable[[], bool]], None]
"""Waits for a worker until the condition holds."""


class StatusBoard(Protocol):
    """What every worker lets the others know about itself; see `Board`, where each method is explained."""

    @property
    def workers(self) -> int:
        """How many there are."""
        ...

    def pump(self) -> None: ...
    def publish(self, status: StatusFields, *, news: bool = True) -> None: ...
    def news(self, worker: int) -> int: ...
    def version(self, worker: int) -> int: ...
    def signs(self, worker: int, *, news: bool, wishes: bool) -> object: ...
    def read(self, worker: int) -> tuple[int, Status]: ...
    def count_sent(self, worker: int) -> int | None: ...
    def snapshot(self) -> Snapshot | None: ...
    def set_waiting(self, workers: Collection[int], *, room: bool = False) -> None: ...
    def resting(self, worker: int) -> bool: ...
    def note_mail(self) -> None: ...
    def has_mail(self, worker: int) -> bool: ...
    def tell_idle(self) -> None: ...
    def idle_count(self, worker: int) -> int: ...
    def set_wanted(self, time: int) -> None: ...
    def wanted(self, worker: int) -> int: ...
    @property
    def own_running(self) -> memoryview[int] | None: ...
    def set_running(self, rank: int, tag: Point) -> None: ...
    def running(self, worker: int) -> tuple[int, Point] | None: ...
    def leave(self) -> None: ...
    def gone(self, worker: int) -> bool: ...
    def waits_on(self, worker: int, other: int) -> bool: ...
    def waits_for_room(self, worker: int, reader: int) -> bool: ...
    def waits_for(self, worker: int) -> list[int]: ...
    def waits_in_circle(self) -> bool: ...


class Writer(Protocol):
    """The sending end for notices to one worker; see `RingWriter`.

    Attributes:
        most_entries: of one notice.
    """

    most_entries: int

    @property
    def written(self) -> int: ...
    def try_write(self, parts: Sequence[bytes | memoryview]) -> bool: ...
    def flush(self) -> bool: ...


class Reader(Protocol):
    """The receiving end for messages from one worker; see `RingReader`.

    Attributes:
        made_room: whether the last `read` took anything, perhaps only a piece of a long message.
    """

    @property
    def made_room(self) -> bool: ...
    def waiting(self) -> bool: ...
    def read(self) -> list[bytes]: ...


class Bell(Protocol):
    """Wakes a worker, and lets it sleep if it is this one; see `Doorbell`."""

    def wait(
        self, predicate: Callable[[], bool], *, spin: int = 0, timeout_s: float | None = None, any_ring: bool = False
    ) -> Wake: ...
    def ring(self) -> None: ...
    def ring_after_fence(self) -> None: ...


def bell_for_room(board: StatusBoard, bell: Bell, writer: int, reader: int) -> Callable[[], None]:
    """Rings a writer if it waits until this reader has read something, which has been stored before."""

    def ring() -> None:
        fence()
        if board.waits_for_room(writer, reader):
            bell.ring_after_fence()

    return ring


class Carrier(Protocol):
    """One worker's ends of everything, in its own process.

    Attributes:
        board: where every worker says how far it is.
        overview: the same for reports to people: nothing is decided by it, so it may be newer than what has arrived.
        bells: by worker.
        writers: by worker, for all others.
        readers: by worker, for all others.
        near: the workers whose memory this one sees: to look costs next to nothing. Elsewhere it takes system calls,
            and the processor from those who bring what is waited for.
    """

    @property
    def near(self) -> Collection[int]: ...
    @property
    def board(self) -> StatusBoard: ...
    @property
    def overview(self) -> StatusBoard: ...
    @property
    def bells(self) -> Sequence[Bell]: ...
    @property
    def writers(self) -> dict[int, Writer]: ...
    @property
    def readers(self) -> dict[int, Reader]: ...

    def nap(self) -> bool:
        """Wait for a moment whether something comes from far away; nobody is told. False: nothing has, or not tried."""
        ...

    def storage(self, path: str, spec: Spec[Any], wait: Wait) -> SlottedStorage | None:
        """The slots of a port that this worker writes; None where its values travel within the messages."""
        ...

    def slot_reader(self, path: str, spec: Spec[Any]) -> SlotReader | None:
        """The slots of a port that another worker writes; None where its values travel within the messages."""
        ...

    def close(self, give_up: Callable[[], bool]) -> None:
        """See to it that what was sent arrives, unless `give_up()`, and let go of everything."""
        ...


class Meeting(Protocol):
    """What the supervisor lays out, so that the workers find each other."""

    def open(self, me: int) -> Carrier:
        """The ends of worker `me`, in its own process. Raises LinkError."""
        ...

    def watch(self) -> StatusBoard:
        """The board, to look at."""
        ...

    def close(self) -> None:
        """Give back what this process holds, once all workers have been forked."""
        ...

    def remove(self) -> None:
        """See to it that nothing is left, after the run."""
        ...
