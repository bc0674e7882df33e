"""What one worker needs of the others, whatever carries it: shared memory, sockets, or some of each.

The supervisor lays out a `Meeting` before it forks the workers; each of them then opens its own `Carrier`. Everything
above (waiting, sending, promising) is written against these and knows nothing of memory or sockets.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from rlreactor.links.ends import Bell, Reader, Writer
from rlreactor.links.shared_words import OwnWords, SharedWords
from rlreactor.links.slotted import SlotReader, Slotted
from rlreactor.links.status_board import StatusBoard
from rlreactor.links.words import fence
from rlreactor.spec import Spec

__all__ = ["Carrier", "Meeting", "Wait", "bell_for_room"]

Wait = Callable[[int, Callable[[], bool]], None]
"""Waits for a worker until the condition holds."""


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
        shared_words: by worker, where everything that passes between this one and it lies in shared memory.
        own_words: in which this worker says how far it is, if all others see them.
    """

    @property
    def near(self) -> Collection[int]: ...
    @property
    def shared_words(self) -> Mapping[int, SharedWords]: ...
    @property
    def own_words(self) -> OwnWords | None: ...
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

    def storage(self, path: str, spec: Spec[Any], wait: Wait) -> Slotted | None:
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
