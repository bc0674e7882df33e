"""Who sees to the snapshots of a run: chooses the cuts, hears of shards, and commits what is whole.

A cut is a logical time that no worker has begun. Nobody stops for it: each worker writes its shard when it comes there,
and if one was there already, the cut is given up and a later one chosen. So a snapshot is whole, or it does not exist.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from rlreactor.errors import ReactorError, RunError
from rlreactor.store.manifest import Manifest, ShardEntry
from rlreactor.store.snapshot import SnapshotFolder

__all__ = ["SnapshotWatch"]

_log = logging.getLogger("rlreactor")
_SHARE = 50  # a snapshot keeps workers from their work for at most one part in so many
_SHORTEST_NS = 1_000_000_000
_SHORTEST_LOOK_NS = 200_000_000  # a pace that is taken of less may be of a single tag
_AHEAD_NS = 50_000_000  # how far ahead of all workers a cut is chosen, at first


class SnapshotWatch:
    """The snapshots of one run. Every method may be called from any thread.

    Args:
        folder: where they go.
        manifest_of: makes the manifest of a cut and its shards.
        workers: how many there are.
        ask: tells every worker of a cut.
        first: the cut that all of them know of already.
        every: ns of logical time between two cuts; None: as often as costs little.
        before: called before a snapshot counts.
    """

    def __init__(
        self,
        folder: SnapshotFolder,
        manifest_of: Callable[[int, Iterable[ShardEntry]], Manifest],
        workers: int,
        ask: Callable[[int], None],
        *,
        first: int,
        every: int | None = None,
        before: Callable[[], None] | None = None,
    ) -> None:
        self._folder = folder
        self._manifest_of = manifest_of
        self._workers = workers
        self._ask = ask
        self._every = every
        self._before = before
        self._lock = threading.RLock()
        self._cut: int | None = first
        self._entries: dict[int, ShardEntry] = {}  # by worker
        self._answers = 0
        self._took_ns = 0
        self._furthest = 0  # logical time
        self._looked_at = 0  # logical time, and when that was
        self._looked_ns = time.monotonic_ns()
        self._pace = 0.0  # ns of logical time per ns
        self._misses = 0
        self._failed = False
        self._due_ns = 0

    def hear(self, worker: int, answer: str, message: dict[str, Any]) -> None:
        """What a worker says of a cut."""
        with self._lock:
            if message["cut"] != self._cut:
                return
            self._answers += 1
            if answer == "failed":
                self._fail(message["text"])
            elif answer == "shard":
                self._keep(worker, message)
            self._note_time(message["time"])
            if self._answers == self._workers:
                self._conclude(message["cut"])

    def _keep(self, worker: int, message: dict[str, Any]) -> None:
        self._took_ns = max(self._took_ns, message["took_ns"])
        if "entry" in message:
            self._entries[worker] = ShardEntry.model_validate(message["entry"])
            return
        try:
            self._entries[worker] = self._folder.write_shard(message["cut"], worker, message["data"])
        except RunError as error:
            self._fail(str(error))

    def _fail(self, text: str) -> None:
        self._failed = True
        _log.warning("no snapshot was made, and the run goes on: %s", text)

    def _note_time(self, time_there: int) -> None:
        self._furthest = max(self._furthest, time_there)
        now = time.monotonic_ns()
        if now - self._looked_ns >= _SHORTEST_LOOK_NS:
            self._pace = (self._furthest - self._looked_at) / (now - self._looked_ns)
            self._looked_at, self._looked_ns = self._furthest, now

    def _conclude(self, cut: int) -> None:
        """All have answered."""
        pause = max(_SHORTEST_NS, self._took_ns * _SHARE)
        if len(self._entries) == self._workers:
            self._commit(cut)
            self._due_ns = time.monotonic_ns() + (0 if self._every else pause)
        elif cut:
            self._discard(cut)
            self._misses += 1
            self._due_ns = time.monotonic_ns() + (pause if self._failed else 0)
        self._cut = None
        self._entries, self._answers, self._took_ns, self._failed = {}, 0, 0, False
        if not cut:
            self._choose()

    def _commit(self, cut: int) -> None:
        try:
            if self._before is not None:
                self._before()
            self._folder.commit(self._manifest_of(cut, [entry for _, entry in sorted(self._entries.items())]))
        except ReactorError as error:
            self._fail(str(error))
            return
        self._misses = 0

    def _discard(self, cut: int) -> None:
        try:
            self._folder.discard(cut)
        except RunError as error:
            self._fail(str(error))

    def look(self) -> None:
        """Begin a snapshot if one is due."""
        with self._lock:
            if self._cut is None and time.monotonic_ns() >= self._due_ns:
                self._begin(0)  # nobody takes one there: everybody says where he is

    def _begin(self, cut: int) -> None:
        self._cut = cut
        self._ask(cut)

    def _choose(self) -> None:
        """A cut that nobody has passed by the time he hears of it."""
        ahead = max(1, round(self._pace * _AHEAD_NS)) << min(self._misses, 30)
        cut = self._furthest + ahead
        self._begin(cut if self._every is None else -(-cut // self._every) * self._every)

    def close(self) -> None:
        """The run is over: what is not whole by now never will be."""
        with self._lock:
            if self._cut:
                self._discard(self._cut)
            self._cut = None
            self._due_ns = 1 << 63
