"""The board where there is no shared memory: every worker keeps its own row and copies of everybody else's.

Rows travel whole, on the same ordered links as the messages. So when a copy says "everything before that point has
been sent", it has arrived too. Copies may be old, and of different age. What `Board.snapshot` gets from looking twice,
states that existed together, follows here from counts: each row tells how many messages went to each worker and how
many came from each. Links keep the order; so as long as no row has received more on a link than the other row has
sent, no row knows of anything that happened after another one (a consistent cut), and the difference is under way.
"""

from __future__ import annotations

import struct
from collections.abc import Collection

from rlreactor.links.board import Snapshot, Status
from rlreactor.links.reliable import PeerFault
from rlreactor.tag import Tag

__all__ = ["DistantBoard"]

_HEAD = struct.Struct("<14q")  # version, status, idle, wanted, running, gone, workers


class _Row:
    """What one worker says of itself."""

    def __init__(self, workers: int) -> None:
        self.version = 0
        self.status = Status.initial()
        self.idle = 0
        self.wanted = 0
        self.running = 0  # rank + 1
        self.gone = 0
        self.sent = [0] * workers
        self.received = [0] * workers  # as of the status
        self.waits = [0] * workers  # 1 for those that it waits for

    def encode(self) -> bytes:
        frontier, head, last, received = self.status
        words = (self.version, *frontier, *head, *last, received)
        fixed = _HEAD.pack(*words, self.idle, self.wanted, self.running, self.gone, len(self.sent))
        return fixed + struct.pack(f"<{3 * len(self.sent)}q", *self.sent, *self.received, *self.waits)

    def decode(self, data: bytes | memoryview) -> None:
        """Replace everything by what `encode` made. Raises PeerFault."""
        workers = len(self.sent)
        if len(data) != _HEAD.size + 24 * workers:
            raise PeerFault(f"a row of {len(data)} bytes: expected {_HEAD.size + 24 * workers} for {workers} workers")
        words = _HEAD.unpack_from(data)
        if words[13] != workers:
            raise PeerFault(f"a row for {words[13]} workers: expected {workers}")
        self.version = words[0]
        self.status = Status((words[1], words[2], words[3]), Tag(words[4], words[5]), Tag(words[6], words[7]), words[8])
        self.idle, self.wanted, self.running, self.gone = words[9:13]
        each = struct.unpack_from(f"<{3 * workers}q", data, _HEAD.size)
        self.sent, self.received, self.waits = (list(each[i * workers : (i + 1) * workers]) for i in range(3))


class DistantBoard:
    """Offers what `Board` does, as one worker knows it."""

    def __init__(self, workers: int, me: int) -> None:
        self._me = me
        self._rows = [_Row(workers) for _ in range(workers)]
        self._own = self._rows[me]
        self._received = [0] * workers
        self.revision = 0  # grows with every change of the own row
        self.fell_at = 0  # revision at which the own frontier fell: no message may arrive before that row

    # The link's side

    def row(self) -> bytes:
        """The own row, for the others."""
        return self._own.encode()

    def update(self, worker: int, row: bytes | memoryview) -> None:
        """The row of `worker` has arrived. Raises PeerFault."""
        self._rows[worker].decode(row)

    def count_received(self, worker: int, messages: int) -> None:
        """The messages from `worker` that are handed on now."""
        self._received[worker] += messages

    # What Board offers

    @property
    def workers(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def publish(self, status: Status) -> None:
        """Replace this worker's status."""
        fell = status.frontier < self._own.status.frontier
        self._own.version += 1
        self._own.status = status
        self._own.received = list(self._received)
        self.revision += 1
        if fell:
            self.fell_at = self.revision

    def version(self, worker: int) -> int:
        """Changes with every status of `worker`."""
        return self._rows[worker].version

    def read(self, worker: int) -> tuple[int, Status]:
        """The newest known status of `worker` and its version."""
        row = self._rows[worker]
        return row.version, row.status

    def count_sent(self, worker: int) -> None:
        """One more message leaves for `worker`."""
        self._own.sent[worker] += 1
        self.revision += 1

    def snapshot(self) -> Snapshot | None:
        """Everybody in states that existed together; None if the known rows are no such states.

        Heads are those of `Board.snapshot`.
        """
        late: set[int] = set()
        for source, sender in enumerate(self._rows):
            for target, receiver in enumerate(self._rows):
                under_way = sender.sent[target] - receiver.received[source]
                if under_way < 0:
                    return None
                if under_way and not receiver.gone:
                    late.add(target)
        statuses = [row.status for row in self._rows]
        for worker in late:
            time, microstep, _ = statuses[worker].frontier
            statuses[worker] = statuses[worker]._replace(head=min(statuses[worker].head, Tag(time, microstep)))
        return Snapshot(statuses, not late, [row.sent[self._me] for row in self._rows])

    def set_waiting(self, workers: Collection[int]) -> None:
        """Say whom this worker waits for; nobody when it runs."""
        self._own.waits = [int(worker in workers) for worker in range(self.workers)]
        self.revision += 1

    def tell_idle(self) -> None:
        """Say that this worker can do nothing now."""
        self._own.idle += 1
        self.revision += 1

    def idle_count(self, worker: int) -> int:
        """How often `worker` has said so."""
        return self._rows[worker].idle

    def set_wanted(self, time: int) -> None:
        """Say that frontiers before this logical time are of no use to this worker."""
        if time != self._own.wanted:
            self._own.wanted = time
            self.revision += 1

    def wanted(self, worker: int) -> int:
        """The logical time that `worker` waits for."""
        return self._rows[worker].wanted

    def set_running(self, rank: int) -> None:
        """Say which reaction runs; of no use to anybody before the row is sent for another reason."""
        self._own.running = rank + 1

    def running(self, worker: int) -> int | None:
        """The rank of the reaction that `worker` runs, or ran last."""
        return self._rows[worker].running - 1 if self._rows[worker].running else None

    def leave(self) -> None:
        """Say that this worker has stopped for good."""
        self._own.gone = 1
        self.revision += 1

    def gone(self, worker: int) -> bool:
        """Whether `worker` has stopped for good."""
        return bool(self._rows[worker].gone)

    def waits_on(self, worker: int, other: int) -> bool:
        """Whether `worker` waits for `other`."""
        return bool(self._rows[worker].waits[other])

    def waits_for(self, worker: int) -> list[int]:
        """Whom `worker` waits for, whom those wait for, and so on; empty if it runs."""
        found = [worker]
        for waiting in found:
            found += [w for w, waits in enumerate(self._rows[waiting].waits) if waits and w not in found[1:]]
        return found[1:]

    def waits_in_circle(self) -> bool:
        """Whether this worker waits for one that waits … for this one."""
        return self._me in self.waits_for(self._me)
