"""A worker's part in snapshots: when the cut has come, it writes down what it holds, and goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from rlreactor.errors import ReactorError
from rlreactor.runtime.inlet import Inlet
from rlreactor.runtime.neighbourhood import Neighbourhood
from rlreactor.runtime.shard import Contents, Row, Shard
from rlreactor.scheduler.scheduler import Scheduler
from rlreactor.store.shard import encode_shard
from rlreactor.store.snapshot import SnapshotFolder
from rlreactor.tag import Point

__all__ = ["Resumed", "Snapshots", "Snapshotter"]

Say = Callable[..., None]
"""Tells those who see to the whole: `say(answer=..., cut=..., ...)`."""


class Snapshots(NamedTuple):
    """Where they go (None: to whoever is told), and the logical time of the first one, which every worker knows."""

    folder: str | None
    first: int


class Resumed(NamedTuple):
    """The logical time at which a run goes on, and what was held then."""

    cut: int
    contents: Contents


class Snapshotter:
    """Takes the shards of one worker, one at a time.

    What it says: `shard` with the entry of what was written (or with the data, where it has no folder), the logical
    time at which the worker is then, and for how long it was kept from its work; or `passed`, with that time, where it
    is too late for a cut; or `failed`. What was logged before the cut is handed on first.
    """

    def __init__(
        self,
        worker: int,
        options: Snapshots,
        scheduler: Scheduler,
        links: Neighbourhood | None,
        hand_on: Callable[[], None],
        say: Say,
    ) -> None:
        self._worker = worker
        self._folder = None if options.folder is None else SnapshotFolder(options.folder)
        self._scheduler = scheduler
        self._links = links
        self._hand_on = hand_on
        self._say = say
        self._shard = Shard(scheduler.binding, {} if links is None else links.intake.inlets)
        self._cut: int | None = None
        self._writing: threading.Thread | None = None

    def ask(self, cut: int) -> None:
        """Take a shard at this logical time, if it has not begun; from any thread."""
        if cut <= self._now():
            self._pass(cut)
        else:
            self._scheduler.call_soon(partial(self.expect, cut))

    def expect(self, cut: int) -> None:
        """The same, from the scheduler's thread."""
        if self._cut is not None or self._scheduler.is_called_at or cut <= self._now():
            self._pass(cut)
        else:
            self._cut = cut
            self._scheduler.call_at(cut, partial(self._take, cut))

    def _now(self) -> int:
        """The logical time that was begun last."""
        return self._scheduler.binding.execution.tag[0]

    def _pass(self, cut: int) -> None:
        self._say(answer="passed", cut=cut, time=self._now())

    def _take(self, cut: int) -> None:
        start = time.monotonic_ns()
        self._hand_on()
        contents = self._shard.save(cut, self._scheduler.last)
        took = time.monotonic_ns() - start
        if self._links is None:
            self._write(cut, contents, [], took)
            return
        rows: list[Row] = []

        def note(arrival: Point, inlet: Inlet, value: Any) -> None:
            rows.append(self._shard.row(arrival, inlet, value))

        self._links.collect(cut, note, lambda: self._write(cut, contents, rows, took))

    def _write(self, cut: int, contents: Contents, rows: list[Row], took: int) -> None:
        """In a thread of its own: the worker goes on."""
        contents["events"][""] += rows
        self._writing = threading.Thread(
            target=self._write_down, args=(cut, contents, took), name="rlreactor-snapshot", daemon=True
        )
        self._writing.start()

    def _write_down(self, cut: int, contents: Contents, took: int) -> None:
        start = time.monotonic_ns()
        try:
            data = encode_shard(contents)
            took += time.monotonic_ns() - start  # the worker could not do much meanwhile
            answer = {"answer": "shard", "took_ns": took, **self._keep(cut, data)}
        except Exception as error:  # nobody hears of what is raised in a thread
            text = str(error) if isinstance(error, ReactorError) else f"{type(error).__name__}: {error}"
            answer = {"answer": "failed", "text": text}
        self._cut = None
        self._say(cut=cut, time=self._now(), **answer)

    def _keep(self, cut: int, data: bytes) -> dict[str, Any]:
        """What is to be said of the shard: the entry of what was written, or the shard itself."""
        if self._folder is None:
            return {"data": data}
        return {"entry": self._folder.write_shard(cut, self._worker, data).model_dump()}

    def finish(self) -> None:
        """Let what is being written be written."""
        if self._writing is not None:
            self._writing.join()
