"""The board where there is no shared memory: every worker keeps its own row and copies of everybody else's.

Rows travel whole, on the same ordered links as the messages. So when a copy says "everything before that point has
been sent", it has arrived too. Copies may be old, and of different age. What `Board.snapshot` gets from looking twice,
that nothing was under way, follows here from counts: each row tells how many messages went to each worker and came
from each. Links keep the order; so where, for every link, the sender's row and the receiver's row agree on the count,
every message was sent before the one row and received before the other, or after both. The rows are then states that
existed together, with empty links between them, however old they are.
"""

from __future__ import annotations

import struct

from rlreactor.links.board import Status
from rlreactor.links.reliable import PeerFault
from rlreactor.tag import Tag

__all__ = ["DistantBoard"]

_HEAD = struct.Struct("<15q")


class _Row:
    """What one worker says of itself."""

    def __init__(self, workers: int) -> None:
        self.version = 0
        self.status = Status.initial()
        self.waiting = 0  # worker + 1; 0: runs
        self.idle = 0
        self.wanted = 0
        self.running = 0  # rank + 1
        self.gone = 0
        self.sent = [0] * workers
        self.received = [0] * workers  # as of the status

    def encode(self) -> bytes:
        frontier, head, last, received = self.status
        words = (self.version, *frontier, *head, *last, received)
        head_bytes = _HEAD.pack(*words, self.waiting, self.idle, self.wanted, self.running, self.gone, len(self.sent))
        return head_bytes + struct.pack(f"<{2 * len(self.sent)}q", *self.sent, *self.received)

    def decode(self, data: bytes | memoryview) -> None:
        """Replace everything by what `encode` made. Raises PeerFault."""
        workers = len(self.sent)
        if len(data) != _HEAD.size + 16 * workers:
            raise PeerFault(f"a row of {len(data)} bytes: expected {_HEAD.size + 16 * workers} for {workers} workers")
        words = _HEAD.unpack_from(data)
        if words[14] != workers or not 0 <= words[9] <= workers:
            raise PeerFault(f"a row for {words[14]} workers that waits for worker {words[9] - 1}: expected {workers}")
        self.version = words[0]
        self.status = Status((words[1], words[2], words[3]), Tag(words[4], words[5]), Tag(words[6], words[7]), words[8])
        self.waiting, self.idle, self.wanted, self.running, self.gone = words[9:14]
        counts = struct.unpack_from(f"<{2 * workers}q", data, _HEAD.size)
        self.sent, self.received = list(counts[:workers]), list(counts[workers:])


class DistantBoard:
    """Offers what `Board` does, as one worker knows it."""

    def __init__(self, workers: int, me: int) -> None:
        self._me = me
        self._rows = [_Row(workers) for _ in range(workers)]
        self._own = self._rows[me]
        self._received = [0] * workers
        self.revision = 0  # changes with every change of the own row

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
        self._own.version += 1
        self._own.status = status
        self._own.received = list(self._received)
        self.revision += 1

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

    def snapshot(self) -> list[Status] | None:
        """Everybody's status in states that existed together, without messages under way; None if that is not so."""
        for source, sender in enumerate(self._rows):
            for target, receiver in enumerate(self._rows):
                if sender.sent[target] != receiver.received[source] and not receiver.gone:
                    return None
        return [row.status for row in self._rows]

    def set_waiting(self, worker: int | None) -> None:
        """Say whom this worker waits for; None: nobody, it runs."""
        self._own.waiting = 0 if worker is None else worker + 1
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

    def waits_for(self, worker: int) -> list[int]:
        """Whom `worker` waits for, whom that one waits for, and so on; empty if it runs."""
        chain: list[int] = []
        following = self._rows[worker].waiting - 1
        while following >= 0 and following not in chain:
            chain.append(following)
            following = self._rows[following].waiting - 1
        return chain

    def waits_in_circle(self) -> bool:
        """Whether this worker waits for one that waits … for this one."""
        return self._me in self.waits_for(self._me)
