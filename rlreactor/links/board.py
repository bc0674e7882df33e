"""The board: what every worker of a host lets the others know about itself, in shared words.

Each worker has one row, written by it alone. A row holds a version and a few generations of its
status, so that a reader always finds one whole: it copies the newest and looks whether it was
overwritten meanwhile.

Row, in words: 0 the version of the last status that was news to those who read from the worker, 1 gone, 2 how often it
ran out of work, 3 the logical time it waits for, 4 asleep, 5 whether it waits for anybody; 8 the version of its status,
9 how many messages had left for it when it began to wait; 16 the rank of the reaction it was last seen in (+ 1) below
the microstep, 17 the logical time of that reaction; then on lines of their own GENERATIONS × STATUS, the number of
messages sent to each worker, and for each worker whether this one waits for it: 1 for anything, 2 for room.

What changes with every message or reaction shares no cache line with what others look at when they send or receive one.
"""

from __future__ import annotations

import mmap
from collections.abc import Collection
from typing import Final

from rlreactor.links.shared_words import OwnWords, SharedWords
from rlreactor.links.status import Snapshot, Status, StatusFields, pack_running, unpack_running
from rlreactor.links.status_board import StatusBoard
from rlreactor.links.words import CACHE_LINE, WORD, Words
from rlreactor.tag import Point

__all__ = ["WAITS_FOR_ROOM", "Board"]

_NEWS: Final = 0
_GONE: Final = 1
_IDLE: Final = 2
_WANTED: Final = 3
_ASLEEP: Final = 4
_RESTING: Final = 5
_VERSION: Final = 8
_SEEN: Final = 9
_RUNNING: Final = 16
_AT: Final = 17
_SIGNS: Final = 4  # those words that others wait for
WAITS_FOR_ROOM: Final = 2
_GENERATIONS: Final = 4
_STATUS: Final = 9  # words
_STRIDE: Final = 2 * CACHE_LINE // WORD  # words of a generation
_FIRST: Final = 3 * CACHE_LINE // WORD  # where the generations begin
_SENT: Final = _FIRST + _GENERATIONS * _STRIDE  # where the counts begin


class Board(StatusBoard):
    """The rows of `workers` workers, in a mapping that is writable for all of them."""

    def __init__(self, mapping: mmap.mmap, offset: int, workers: int, me: int) -> None:
        self._me = me
        row = _row(workers)
        self._cells = [Words(mapping, offset + w * row, row // WORD) for w in range(workers)]
        self._own = self._cells[me]
        self.workers = workers
        self._waits = _waits(workers)

    @staticmethod
    def size(workers: int) -> int:
        """Bytes that the board of `workers` workers needs."""
        return workers * _row(workers)

    def pump(self) -> None:
        """Look at what has come; in shared memory it is there."""

    def publish(self, status: StatusFields, *, news: bool = True) -> None:
        """Replace this worker's status; without `news`, only those will see that who look at everybody."""
        version = self._own[_VERSION] + 1
        generation = version % _GENERATIONS
        (time, microstep, rank), head, last, received = status
        at = _FIRST + generation * _STRIDE
        self._own.fill(at, version, time, microstep, rank, head[0], head[1], last[0], last[1], received)
        self._own[_VERSION] = version
        if news:
            self._own[_NEWS] = version

    def version(self, worker: int) -> int:
        """Changes with every status of `worker`."""
        return self._cells[worker][_VERSION]

    def news(self, worker: int) -> int:
        """Changes with every status of `worker` that was news."""
        return self._cells[worker][_NEWS]

    def signs(self, worker: int, *, news: bool, wishes: bool) -> object:
        """Changes with whatever `worker` says to those who wait: idleness, its end, and perhaps news and wishes."""
        first, end = _signs(news, wishes)
        return self._cells[worker].copy(first * WORD, (end - first) * WORD)

    def watched(self, worker: int, *, news: bool, wishes: bool) -> Words:
        """The words themselves that `signs` are a copy of."""
        first, end = _signs(news, wishes)
        return self._cells[worker][first:end]

    def read(self, worker: int) -> tuple[int, Status]:
        """The newest status of `worker` and its version."""
        while True:
            version = self._cells[worker][_VERSION]
            values = self._cells[worker].several(_FIRST + version % _GENERATIONS * _STRIDE, _STATUS)
            if version == 0:
                return 0, Status.initial()
            if values[0] == version and self._cells[worker][_VERSION] - version < _GENERATIONS - 1:
                frontier = (values[1], values[2], values[3])
                return version, Status(frontier, (values[4], values[5]), (values[6], values[7]), values[8])

    def count_sent(self, worker: int) -> int | None:
        """One more message leaves for `worker`; said before it can be seen, so that it is never in nobody's count.

        Returns the version of its status, None (and counts nothing) if it has stopped for good.
        """
        cells = self._cells[worker]
        if cells[_GONE]:
            return None
        self._own[_SENT + worker] += 1
        return cells[_VERSION]

    def snapshot(self) -> Snapshot | None:
        """Everybody at one moment; None if it cannot be had now.

        Two looks at everything: what did not change between them held, all at once, in between. A message under way
        is in nobody's `head`; whoever has not received it has not promised to be past it either, so its `frontier`
        stands in for its head.
        """
        gone = [self.gone(w) for w in range(self.workers)]  # first: who leaves later is not at its end in what follows
        before = [self.read(w) for w in range(self.workers)]
        sent = self._sent_matrix()
        unchanged = all(cells[_VERSION] == v for cells, (v, _) in zip(self._cells, before, strict=True))
        if not unchanged or sent != self._sent_matrix():
            return None
        statuses = [status for _, status in before]
        late = [w for w, s in enumerate(statuses) if sum(row[w] for row in sent) != s.received and not gone[w]]
        for worker in late:
            time, microstep, _ = statuses[worker].frontier
            statuses[worker] = statuses[worker]._replace(head=min(statuses[worker].head, (time, microstep)))
        return Snapshot(statuses, not late, [row[self._me] for row in sent])

    def _sent_matrix(self) -> list[tuple[int, ...]]:
        """How many messages each worker has sent to each."""
        return [cells.several(_SENT, self.workers) for cells in self._cells]

    def set_waiting(self, workers: Collection[int], *, room: bool = False) -> None:
        """Say whom this worker waits for, perhaps only for room in what they read; nobody when it runs."""
        cells, first = self._cells[self._me], self._waits
        cells[_RESTING] = int(bool(workers))
        for worker in range(self.workers):
            waits = (worker in workers) << room
            if cells[first + worker] != waits:
                cells[first + worker] = waits

    def resting(self, worker: int) -> bool:
        """Whether `worker` waits for anybody."""
        return bool(self._cells[worker][_RESTING])

    def note_mail(self) -> None:
        """Before a look at what has come, and a rest: whatever leaves for this worker from now on ends the rest."""
        at = _SENT + self._me
        self._own[_SEEN] = sum([cells[at] for cells in self._cells])

    def has_mail(self, worker: int) -> bool:
        """Whether a message has left for `worker` since it began to rest: it goes on by itself."""
        at = _SENT + worker
        return sum([cells[at] for cells in self._cells]) != self._cells[worker][_SEEN]

    def tell_idle(self) -> None:
        """Say that this worker can do nothing now: others may go on because of it."""
        self._cells[self._me][_IDLE] += 1

    def idle_count(self, worker: int) -> int:
        """How often `worker` has said so."""
        return self._cells[worker][_IDLE]

    def set_wanted(self, time: int) -> None:
        """Say that frontiers before this logical time are of no use to this worker."""
        self._cells[self._me][_WANTED] = time

    def wanted(self, worker: int) -> int:
        """The logical time that `worker` waits for."""
        return self._cells[worker][_WANTED]

    @property
    def holds_news_back(self) -> bool:
        """Whether something may wait here that has to leave before a reaction that may take long."""
        return False

    def set_running(self, rank: int, tag: Point) -> None:
        """Say which reaction runs; from any thread."""
        self._own[_AT], self._own[_RUNNING] = tag[0], pack_running(rank, tag[1])

    def running(self, worker: int) -> tuple[int, Point] | None:
        """The rank and the tag of the reaction that `worker` runs, or ran last."""
        cells = self._cells[worker]
        return unpack_running(cells[_RUNNING], cells[_AT])

    def leave(self) -> None:
        """Say that this worker has stopped for good: nobody need send it anything or wait for it."""
        self._cells[self._me][_GONE] = 1

    def gone(self, worker: int) -> bool:
        """Whether `worker` has stopped for good."""
        return bool(self._cells[worker][_GONE])

    def waits_on(self, worker: int, other: int) -> bool:
        """Whether `worker` waits for `other`."""
        return bool(self._cells[worker][self._waits + other])

    def waits_for_room(self, worker: int, reader: int) -> bool:
        """Whether `worker` waits until `reader` has read something."""
        return self._cells[worker][self._waits + reader] == WAITS_FOR_ROOM

    def waits_for(self, worker: int) -> list[int]:
        """Whom `worker` waits for, whom those wait for, and so on; empty if it runs."""
        first, found = self._waits, [worker]
        for waiting in found:
            cells = self._cells[waiting]
            found += [w for w in range(self.workers) if cells[first + w] and (w not in found[1:])]
        return found[1:]

    def waits_in_circle(self) -> bool:
        """Whether this worker waits for any that … wait in a circle, or for themselves, as those do that have failed.

        It need not be one of them: what it has not read may be all that holds them.
        """
        return self.is_circle_in(self.waits_for(self._me))

    def own_words(self) -> OwnWords:
        """Those in which this worker says how far it is."""
        return OwnWords(self._own[_NEWS : _NEWS + 1], self._own[_VERSION : _VERSION + 1], _statuses(self._own))

    def shared_words(self, worker: int, incoming: Words, outgoing: Words) -> SharedWords:
        """Those of this worker and another, between whom there are these rings."""
        row, waits, sent = self._cells[worker], self._waits + self._me, _SENT + worker
        return SharedWords(
            incoming,
            outgoing,
            row[_NEWS : _NEWS + 1],
            row[_VERSION : _VERSION + 1],
            _statuses(row),
            row[_GONE : _GONE + 1],
            row[_WANTED : _WANTED + 1],
            row[_ASLEEP : _ASLEEP + 1],
            row[waits : waits + 1],
            self._own[sent : sent + 1],
        )

    def asleep(self, worker: int) -> tuple[Words, int]:
        """The word in which `worker` says that it sleeps, for its doorbell."""
        return self._cells[worker], _ASLEEP


def _signs(news: bool, wishes: bool) -> tuple[int, int]:
    """The first of the words that somebody waits for, and the one after the last."""
    return (_NEWS if news else _GONE), (_SIGNS if wishes else _WANTED)


def _statuses(row: Words) -> Words:
    return row[_FIRST : _FIRST + _GENERATIONS * _STRIDE]


def _waits(workers: int) -> int:
    """Where a row says whom the worker waits for."""
    return _whole_lines(_SENT + workers)


def _row(workers: int) -> int:
    """Bytes of a row."""
    return _whole_lines(_waits(workers) + workers) * WORD


def _whole_lines(words: int) -> int:
    """As many words or more, up to the end of a line."""
    line = CACHE_LINE // WORD
    return -(-words // line) * line
