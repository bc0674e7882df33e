"""What a worker has in place of rings, bells and words where it shares no memory with another.

Nothing runs beside the worker: whatever it calls here first looks at what has come.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, Protocol

from rlreactor.links import wire
from rlreactor.links.distant_board import DistantBoard
from rlreactor.links.doorbell import Doorbell
from rlreactor.links.ends import Bell, Reader, Wake, Writer
from rlreactor.links.envelope import Envelope
from rlreactor.links.exchange import Exchange
from rlreactor.links.near_rows import NearRows
from rlreactor.links.status import StatusFields
from rlreactor.tag import Point

__all__ = ["CountingReader", "DistantBell", "DistantReader", "DistantWriter", "Links", "OwnBell", "PumpingBoard"]

_NAP_S: Final = 1e-3  # what comes over a network anyway comes within that
_LONGEST_PAUSE: Final = 6  # after so many naps in vain, 2 to this power less 1 are left out; after fewer, fewer


class Links(Protocol):
    """What takes frames to other workers and brings theirs."""

    exchange: Exchange

    def now(self) -> int:
        """ns of the clock of the exchange."""
        ...

    @property
    def fd(self) -> int:
        """A descriptor that can be read when there is news."""
        ...

    def pump(self) -> None:
        """Take in what has come and send what is due, as far as that is known without much ado."""
        ...

    def settle(self) -> None:
        """Take in all that has come and send all there is to say: from now on `fd` tells."""
        ...

    def close(self, *, give_up: bool) -> None:
        """Let go, after what there is to send, or at once."""
        ...


class PumpingBoard(DistantBoard):
    """Lets others know what there is to tell when this worker can be expected to have said it all.

    News is told before a reaction runs: it may take long, and nobody can look it up meanwhile.
    """

    def __init__(
        self,
        workers: int,
        me: int,
        read_from: Mapping[int, int],
        read_by: Mapping[int, int],
        rows: NearRows | None = None,
        near: Collection[int] = (),
        audience: Collection[int] = (),
    ) -> None:
        super().__init__(workers, me, rows=rows, near=near, read_from=read_from, read_by=read_by, audience=audience)
        self.look: Callable[[], None] = lambda: None
        self.send_news: Callable[[], None] = lambda: None
        self.tell_everybody: Callable[[], None] = lambda: None

    def pump(self) -> None:
        """Look at what has come; news does not wait longer than for the next tag either."""
        self.look()
        if self.unheard:
            self.send_news()

    def set_running(self, rank: int, tag: Point) -> None:
        """Say which reaction runs."""
        super().set_running(rank, tag)
        if self.unheard:
            self.send_news()

    def publish(self, status: StatusFields, *, news: bool = True) -> None:
        """Replace this worker's status."""
        super().publish(status, news=news)
        if self._own.gone:  # its last word
            self.tell_everybody()

    def leave(self) -> None:
        """Say that this worker has stopped for good."""
        super().leave()
        self.tell_everybody()


class DistantBell(Bell):
    """To ring a worker that is far away is to send it the own row, when all that is to be said now is in it."""

    def __init__(self, links: Links, owner: int) -> None:
        self._exchange = links.exchange
        self._owner = owner

    def wait(
        self, predicate: Callable[[], bool], *, spin: int = 0, timeout_s: float | None = None, any_ring: bool = False
    ) -> Wake:
        """Only its owner sleeps at a bell."""
        raise TypeError(f"worker {self._owner} sleeps at its own bell")

    def ring(self) -> None:
        """Let the owner know what this worker has to say."""
        self._exchange.tell(self._owner)

    def ring_after_fence(self) -> None:
        """The same."""
        self._exchange.tell(self._owner)


class OwnBell(Bell):
    """This worker's bell: it wakes for near workers, for other threads and for what comes over sockets."""

    def __init__(self, links: Links, board: PumpingBoard, bell: Doorbell) -> None:
        self._links = links
        self._board = board
        self._bell = bell
        self._vain = 0  # naps in a row that brought nothing
        self._left_out = 0  # naps

    def ring(self) -> None:
        """From another thread: there is something new."""
        self._bell.ring()

    def ring_after_fence(self) -> None:
        """The same."""
        self._bell.ring_after_fence()

    def wait(
        self, predicate: Callable[[], bool], *, spin: int = 0, timeout_s: float | None = None, any_ring: bool = False
    ) -> Wake:
        """Sleep until the predicate is true, something has come, or the time is up. Spinning would not help."""
        links = self._links

        def ready() -> bool:
            links.settle()
            return predicate()

        links.pump()
        if predicate():
            return Wake(True)
        links.exchange.tell_all()  # what others cannot look up
        links.settle()
        due = links.exchange.due
        if due is not None:
            left_s = max(0.0, (due - links.now()) * 1e-9)
            timeout_s = left_s if timeout_s is None else min(timeout_s, left_s)
        return self._bell.wait(ready, timeout_s=timeout_s, any_ring=any_ring, extra_fds=(links.fd,))

    def nap(self) -> bool:
        """Sleep for a moment, unless that has been in vain of late; whether something has come.

        Where work comes again and again, what is waited for is under way, and to tell others of every wait would cost
        them and this worker more than the work. What they may wait for is told all the same.
        """
        if self._left_out:
            self._left_out -= 1
            return False
        links, taken = self._links, self._links.exchange.taken

        def came() -> bool:
            links.pump()
            return links.exchange.taken != taken

        self._board.pump()
        wake = self._bell.wait(came, timeout_s=_NAP_S, any_ring=True, extra_fds=(links.fd,))
        self._vain = 0 if wake.ready else min(self._vain + 1, _LONGEST_PAUSE)
        self._left_out = (1 << self._vain) - 1
        return wake.ready


class DistantWriter(Writer):
    """In place of the writing end of a ring."""

    def __init__(self, links: Links, target: int, envelopes: Mapping[int, list[Envelope]]) -> None:
        self._exchange = links.exchange
        self._target = target
        self._envelopes = envelopes
        self._written = 0
        self.most_entries = 1

    @property
    def written(self) -> int:
        """Bytes of all notices since the start."""
        return self._written

    def try_write(self, parts: Sequence[bytes | memoryview]) -> bool:
        """Take one notice; False without room for it. A slot that it announces goes with it."""
        notice = b"".join(parts)
        port, slot, _ = wire.only_entry(notice)
        if slot >= 0:
            self._exchange.send_slot(self._target, notice, self._envelopes[port][slot])
            self._written += len(notice)
        elif not self._exchange.try_write(self._target, (notice,)):
            return False
        else:
            self._written += len(notice)
        return True

    def flush(self) -> bool:
        """Whether nothing is left of a long message."""
        return self._exchange.flush(self._target)


class DistantReader(Reader):
    """In place of the reading end of a ring."""

    def __init__(self, links: Links, source: int) -> None:
        self._links = links
        self._source = source
        self.made_room = False

    def waiting(self) -> bool:
        """Whether something has come."""
        self._links.pump()
        return self._links.exchange.waiting(self._source)

    def read(self) -> list[bytes]:
        """What has come."""
        self.made_room = self._links.exchange.waiting(self._source)
        return self._links.exchange.read(self._source)


class CountingReader(Reader):
    """The reading end of a ring, where the board is to know how many messages came from whom."""

    def __init__(self, board: DistantBoard, reader: Reader, source: int) -> None:
        self._board = board
        self._reader = reader
        self._source = source
        self.made_room = False

    def waiting(self) -> bool:
        """Whether something has come."""
        return self._reader.waiting()

    def read(self) -> list[bytes]:
        """What has come."""
        messages = self._reader.read()
        self.made_room = self._reader.made_room
        self._board.count_received(self._source, len(messages))
        return messages
