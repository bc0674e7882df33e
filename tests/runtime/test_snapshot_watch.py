"""Which cuts are chosen."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from rlreactor.runtime.snapshot_watch import SnapshotWatch
from rlreactor.store.manifest import Manifest, ShardEntry
from rlreactor.store.snapshot import SnapshotFolder

MS = 1_000_000


class Watched:
    """A watch over two workers, and its clock."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0
        self.asked: list[int] = []
        monkeypatch.setattr("rlreactor.runtime.snapshot_watch.time.monotonic_ns", lambda: self.now)
        self.watch = SnapshotWatch(SnapshotFolder(folder), _manifest, 2, self.asked.append, first=1)

    def all_pass(self, *times: int) -> None:
        """Both say of the cut that was asked for last that they were beyond it, a millisecond apart."""
        for worker, time in enumerate(times):
            self.now += MS
            self.watch.hear(worker, "passed", {"cut": self.asked[-1] if self.asked else 1, "time": time})

    def look_at(self, now: int) -> None:
        self.now = now
        self.watch.look()


def _manifest(cut: int, shards: Iterable[ShardEntry]) -> Manifest:
    return Manifest.of(cut, "topology", "", 0, shards)


def test_a_cut_lies_as_far_ahead_as_the_pace_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(tmp_path, monkeypatch)
    watched.all_pass(2, 2)
    watched.look_at(1000 * MS)
    watched.all_pass(100, 100)
    assert watched.asked == [0, 100 + 5 * 2]  # one was missed: twice as far ahead


def test_two_answers_in_a_row_tell_nothing_of_the_pace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(tmp_path, monkeypatch)
    watched.all_pass(2, 2)
    watched.look_at(1000 * MS)
    watched.all_pass(100, 101)
    assert watched.asked[-1] == 101 + 5 * 2
    watched.all_pass(111, 112)
    watched.look_at(1020 * MS)
    watched.all_pass(112, 113)
    assert watched.asked[-1] == 113 + 5 * 4
