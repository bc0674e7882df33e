"""The board where there is no shared memory: every worker keeps its own row and copies of everybody else's.

Rows travel whole, on the same ordered links as the messages. So when a copy says "everything before that point has
been sent", it has arrived too. Copies may be old, and of different age. What `Board.snapshot` gets from looking twice,
states that existed together, follows here from counts: each row tells how many messages went to each worker and how
many came from each. Links keep the order; so as long as no row has received more on a link than the other row has
sent, no row knows of anything that happened after another one (a consistent cut), and the difference is under way.

A row that goes to a worker tells it besides, port by port, how many of its slots this one has finished with. Workers
of one host need no such copies of each other: they look at `NearRows`.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping
from typing import Final

from rlreactor.links.board import WAITS_FOR_ROOM
from rlreactor.links.near_rows import NearRows
from rlreactor.links.reliable import PeerFault
from rlreactor.links.status import Snapshot, Status, StatusFields, pack_running, unpack_running
from rlreactor.links.status_board import StatusBoard
from rlreactor.tag import Point

__all__ = ["DistantBoard"]

_HEAD: Final = 15  # words: version, status, idle, wanted, running, at, gone, workers
_EACH: Final = 3  # words for every worker: sent, received, waits


class _Row:
    """What one worker says of itself."""

    def __init__(self, workers: int) -> None:
        self._words = struct.Struct(f"<{_HEAD + _EACH * workers}q")
        self.version = 0
        self.status = Status.initial()
        self.idle = 0
        self.wanted = 0
        self.running = 0  # see `pack_running`
        self.at = 0  # logical time of that
        self.gone = 0
        self.sent = [0] * workers
        self.received = [0] * workers  # as of the status
        self.waits = [0] * workers  # for each, whether it is waited for, as on `Board`
        self.stored = 0  # version in the memory of the host

    def encode(self) -> bytes:
        frontier, head, last, received = self.status
        return self._words.pack(
            self.version, *frontier, *head, *last, received, self.idle, self.wanted, self.running, self.at, self.gone,
            len(self.sent), *self.sent, *self.received, *self.waits,
        )  # fmt: skip

    def decode(self, data: bytes | memoryview) -> None:
        """Replace everything by what `encode` made. Raises PeerFault."""
        workers = len(self.sent)
        if len(data) != self._words.size:
            raise PeerFault(f"a row of {len(data)} bytes: expected {self._words.size} for {workers} workers")
        words = self._words.unpack(data)
        if words[14] != workers:
            raise PeerFault(f"a row for {words[14]} workers: expected {workers}")
        self.version = words[0]
        self.status = Status((words[1], words[2], words[3]), (words[4], words[5]), (words[6], words[7]), words[8])
        self.idle, self.wanted, self.running, self.at, self.gone = words[9:14]
        received, waits = _HEAD + workers, _HEAD + 2 * workers
        self.sent[:], self.received[:], self.waits[:] = words[_HEAD:received], words[received:waits], words[waits:]


class DistantBoard(StatusBoard):
    """Offers what `Board` does, as one worker knows it.

    Args:
        workers: how many.
        me: this one; None for a supervisor, who only looks.
        rows: in the memory of this host, if anybody else is to see the own row there.
        near: the workers whose rows lie there.
        read_from: per worker, how many ports it writes whose slots this one reads.
        read_by: per worker, how many ports it reads whose slots this one writes.
        audience: the workers to whom a status can be news.

    Attributes:
        revision: grows with every change of the own row.
        fell_at: revision at which the own frontier fell: no message may arrive before that row.
        unheard: the workers for whom there is news in the own row that they were not told.
    """

    def __init__(
        self,
        workers: int,
        me: int | None,
        *,
        rows: NearRows | None = None,
        near: Collection[int] = (),
        read_from: Mapping[int, int] | None = None,
        read_by: Mapping[int, int] | None = None,
        audience: Collection[int] = (),
    ) -> None:
        self.workers = workers
        self._me = me
        self._rows = [_Row(workers) for _ in range(workers)]
        self._own = _Row(workers) if me is None else self._rows[me]
        self._store = rows
        self._near = frozenset(near)
        self._received = [0] * workers
        self._finished = {w: [0] * count for w, count in (read_from or {}).items()}
        self._finished_by = {w: [0] * count for w, count in (read_by or {}).items()}
        self._audience = frozenset(audience)
        self.revision = 0
        self.fell_at = 0
        self.unheard: set[int] = set()

    def overview(self, rows: NearRows, near: Collection[int]) -> DistantBoard:
        """The same to look at: newer where rows lie in the memory of this host, `near`; elsewhere as known here."""
        found = DistantBoard(len(self._rows), None, rows=rows, near=near)
        found._rows = [found._rows[w] if w in found._near else row for w, row in enumerate(self._rows)]
        return found

    @staticmethod
    def row_length(workers: int) -> int:
        """Bytes of a row, without what it tells of slots."""
        return 8 * (_HEAD + _EACH * workers)

    def _changed(self) -> None:
        self.revision += 1
        if self._near:
            self._store_own(self._own.encode())

    def _store_own(self, row: bytes) -> None:
        if self._store is not None and self._me is not None:
            self._store.write(self._me, row)

    def _row(self, worker: int) -> _Row:
        """What is known of `worker` now."""
        row = self._rows[worker]
        if worker in self._near and self._store is not None and self._store.version(worker) != row.stored:
            row.stored, data = self._store.read(worker)
            row.decode(data)
        return row

    # The link's side

    def row(self, target: int) -> bytes:
        """The own row, for `target`."""
        row = self._own.encode()
        if not self._near:  # only people look there: what others are told is new enough
            self._store_own(row)
        finished = self._finished.get(target)
        return row + struct.pack(f"<{len(finished)}q", *finished) if finished else row

    def update(self, worker: int, row: bytes | memoryview) -> None:
        """The row of `worker` has arrived. Raises PeerFault."""
        counts = self._finished_by.get(worker, [])
        end = max(0, len(row) - 8 * len(counts))
        self._rows[worker].decode(row[:end])
        if counts:
            counts[:] = struct.unpack_from(f"<{len(counts)}q", row, end)

    def count_received(self, worker: int, messages: int) -> None:
        """The messages from `worker` that are handed on now."""
        self._received[worker] += messages

    def finish_slots(self, writer: int, port: int, count: int, *, news: bool) -> None:
        """This worker has finished with `count` slots of the port of `writer`, which is told with the next row.

        `news`: it may soon need them.
        """
        self._finished[writer][port] = count
        self.revision += 1
        if news:
            self.unheard.add(writer)

    def finished_slots(self, reader: int, port: int) -> int:
        """How many slots of that port of this worker `reader` has finished with."""
        return self._finished_by[reader][port]

    # What Board offers

    def pump(self) -> None:
        """Look at what has come."""

    def publish(self, status: StatusFields, *, news: bool = True) -> None:
        """Replace this worker's status."""
        fell = status[0] < self._own.status.frontier
        self._own.version += 1
        self._own.status = Status(*status)
        self._own.received = list(self._received)
        self._changed()
        if news:
            self.unheard |= self._audience
        if fell:
            self.fell_at = self.revision

    def version(self, worker: int) -> int:
        """Changes with every status of `worker`."""
        return self._row(worker).version

    def news(self, worker: int) -> int:
        """Changes with every status of `worker`, whether it was news or not."""
        return self._row(worker).version

    def signs(self, worker: int, *, news: bool, wishes: bool) -> object:
        """Changes with whatever `worker` says to those who wait."""
        row = self._row(worker)
        return row.version if news else 0, row.idle, row.wanted if wishes else 0, row.gone

    def read(self, worker: int) -> tuple[int, Status]:
        """The newest known status of `worker` and its version."""
        row = self._row(worker)
        return row.version, row.status

    def count_sent(self, worker: int) -> int | None:
        """One more message leaves for `worker`: returns the version of its status. None if it has stopped for good."""
        row = self._row(worker)
        if row.gone:
            return None
        self._own.sent[worker] += 1
        self._changed()
        return row.version

    def snapshot(self) -> Snapshot | None:
        """Everybody in states that existed together; None if the known rows are no such states.

        Heads are those of `Board.snapshot`.
        """
        late: set[int] = set()
        rows = [self._row(worker) for worker in range(self.workers)]
        for source, sender in enumerate(rows):
            for target, receiver in enumerate(rows):
                under_way = sender.sent[target] - receiver.received[source]
                if under_way < 0:
                    return None
                if under_way and not receiver.gone:
                    late.add(target)
        statuses = [row.status for row in rows]
        for worker in late:
            time, microstep, _ = statuses[worker].frontier
            statuses[worker] = statuses[worker]._replace(head=min(statuses[worker].head, (time, microstep)))
        return Snapshot(statuses, not late, [row.sent[self._me or 0] for row in rows])

    def set_waiting(self, workers: Collection[int], *, room: bool = False) -> None:
        """Say whom this worker waits for, perhaps only for room in what they read; nobody when it runs."""
        self._own.waits = [(worker in workers) << room for worker in range(self.workers)]
        self._changed()

    def resting(self, worker: int) -> bool:
        """Whether `worker` waits for anybody."""
        return any(self._row(worker).waits)

    def note_mail(self) -> None:
        """How many messages have left for this worker, it cannot know."""

    def has_mail(self, worker: int) -> bool:
        """Nor can others."""
        return False

    def tell_idle(self) -> None:
        """Say that this worker can do nothing now."""
        self._own.idle += 1
        self._changed()

    def idle_count(self, worker: int) -> int:
        """How often `worker` has said so."""
        return self._row(worker).idle

    def set_wanted(self, time: int) -> None:
        """Say that frontiers before this logical time are of no use to this worker."""
        if time != self._own.wanted:
            self._own.wanted = time
            self._changed()

    def wanted(self, worker: int) -> int:
        """The logical time that `worker` waits for."""
        return self._row(worker).wanted

    @property
    def holds_news_back(self) -> bool:
        """Whether something may wait here that has to leave before a reaction that may take long."""
        return True

    def set_running(self, rank: int, tag: Point) -> None:
        """Say which reaction runs; of no use to distant workers before the row is sent for another reason."""
        self._own.running, self._own.at = pack_running(rank, tag[1]), tag[0]
        if self._store is not None and self._me is not None:
            self._store.set_running(self._me, rank, tag)

    def running(self, worker: int) -> tuple[int, Point] | None:
        """The rank and the tag of the reaction that `worker` runs, or ran last."""
        if worker in self._near and self._store is not None:
            return self._store.running(worker)
        row = self._row(worker)
        return unpack_running(row.running, row.at)

    def leave(self) -> None:
        """Say that this worker has stopped for good."""
        self._own.gone = 1
        self._changed()

    def gone(self, worker: int) -> bool:
        """Whether `worker` has stopped for good."""
        return bool(self._row(worker).gone)

    def waits_on(self, worker: int, other: int) -> bool:
        """Whether `worker` waits for `other`."""
        return bool(self._row(worker).waits[other])

    def waits_for_room(self, worker: int, reader: int) -> bool:
        """Whether `worker` waits until `reader` has read something."""
        return self._row(worker).waits[reader] == WAITS_FOR_ROOM

    def waits_for(self, worker: int) -> list[int]:
        """Whom `worker` waits for, whom those wait for, and so on; empty if it runs."""
        found = [worker]
        for waiting in found:
            found += [w for w, waits in enumerate(self._row(waiting).waits) if waits and w not in found[1:]]
        return found[1:]

    def waits_in_circle(self) -> bool:
        """Whether this worker waits for any that … wait in a circle, or for themselves, as those do that have failed.

        It need not be one of them: what it has not read may be all that holds them.
        """
        return self._me is not None and self.is_circle_in(self.waits_for(self._me))
