"""Snapshots: three are kept, what is loaded is whole, and a run may be killed at any moment."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rlreactor import RunError
from rlreactor.store.manifest import Manifest, ShardEntry
from rlreactor.store.shard import encode_shard
from rlreactor.store.snapshot import LoadedSnapshot, SnapshotFolder, load_snapshot

WORKERS = 2


def content_of(cut: int, worker: int) -> dict[str, Any]:
    return {"cut": cut, "worker": worker, "weights": np.full(500, cut + worker, np.float32)}


def manifest_of(cut: int, shards: list[ShardEntry]) -> Manifest:
    return Manifest.of(cut, "some.module:Train", "Train(rollouts=4)", 7, shards)


def take(folder: SnapshotFolder, cut: int) -> None:
    """A whole snapshot, as a run of two workers takes it."""
    shards = [folder.write_shard(cut, worker, encode_shard(content_of(cut, worker))) for worker in range(WORKERS)]
    folder.commit(manifest_of(cut, shards))


def taken(path: Path, *cuts: int) -> SnapshotFolder:
    folder = SnapshotFolder(path)
    for cut in cuts:
        take(folder, cut)
    return folder


def of(path: Path, cut: int) -> Path:
    return path / f"{cut:020d}"


def check(loaded: LoadedSnapshot, cut: int) -> None:
    """It is the one of that cut, to the bit."""
    assert loaded.manifest.cut == cut
    for worker in range(WORKERS):
        found, expected = loaded.shard(worker), content_of(cut, worker)
        assert found.pop("weights").tobytes() == expected.pop("weights").tobytes()
        assert found == expected


def test_comes_back_as_it_was(tmp_path: Path) -> None:
    folder = taken(tmp_path / "new" / "folder", 5, 40)
    loaded = load_snapshot(folder.path)
    check(loaded, 40)
    assert loaded.path == of(folder.path, 40)
    assert loaded.manifest.topology == "some.module:Train"
    assert loaded.manifest.parameters == "Train(rollouts=4)"
    assert (loaded.manifest.seed, loaded.manifest.shard_count) == (7, WORKERS)


def test_one_can_be_asked_for(tmp_path: Path) -> None:
    taken(tmp_path, 5, 40)
    check(load_snapshot(str(of(tmp_path, 5))), 5)


def test_three_are_kept(tmp_path: Path) -> None:
    folder = taken(tmp_path, 0, 9, 10, 99, 100, 2**63 - 1)
    assert folder.cuts() == [99, 100, 2**63 - 1]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{cut:020d}" for cut in folder.cuts()]
    assert sorted(path.name for path in of(tmp_path, 99).iterdir()) == [
        "manifest.json", "shard-0.safetensors", "shard-1.safetensors",
    ]  # fmt: skip
    check(load_snapshot(tmp_path), 2**63 - 1)


def test_what_was_not_finished_goes_with_the_next_that_is(tmp_path: Path) -> None:
    folder = taken(tmp_path, 1, 2)
    folder.write_shard(3, 0, b"")
    folder.write_shard(9, 0, b"")
    take(folder, 4)
    assert folder.cuts() == [1, 2, 4]
    assert of(tmp_path, 9).is_dir()  # may still be written
    assert not of(tmp_path, 3).exists()


def test_later_ones_stay_when_a_run_goes_back(tmp_path: Path) -> None:
    folder = taken(tmp_path, 1, 2, 3)
    take(folder, 2)
    assert folder.cuts() == [1, 2, 3]


def test_a_snapshot_is_taken_anew(tmp_path: Path) -> None:
    folder = taken(tmp_path, 1, 2)
    for file in of(tmp_path, 2).iterdir():
        file.write_bytes(b"damaged")
    take(folder, 2)
    check(load_snapshot(tmp_path), 2)


def test_discarded(tmp_path: Path) -> None:
    folder = taken(tmp_path, 1, 2)
    folder.write_shard(3, 0, b"")
    for cut in (3, 2, 2, 8):
        folder.discard(cut)
    assert [path.name for path in tmp_path.iterdir()] == [f"{1:020d}"]


# Killed


class Killed(BaseException):
    """The process is gone: nothing is tidied up."""


class Disk:
    """Lets so many changes through, and then the process is killed or the disk is full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.changes = 0
        self.left = 1 << 30
        self.failure: BaseException = Killed()
        for name in ("open", "replace", "unlink", "mkdir", "rmdir"):
            self._watch(monkeypatch, Path, name)
        self._watch(monkeypatch, os, "fsync")

    def _watch(self, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            if self.changes >= self.left:
                raise self.failure
            self.changes += 1
            return real(*arguments, **options)

        monkeypatch.setattr(owner, name, counted)

    def fail_after(self, changes: int, failure: BaseException) -> None:
        self.changes, self.left, self.failure = 0, changes, failure


def changes_of(path: Path, cut: int) -> int:
    """How many it takes to take a snapshot."""
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(patch)
        take(SnapshotFolder(path), cut)
        return disk.changes


def test_killed_at_any_moment_the_last_whole_one_is_loaded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    taken(tmp_path / "tried", 1, 2, 3)
    changes = changes_of(tmp_path / "tried", 4)
    assert changes >= 20
    found: list[int] = []
    for moment in range(changes):
        path = tmp_path / str(moment)
        taken(path, 1, 2, 3)
        with pytest.MonkeyPatch.context() as patch:
            Disk(patch).fail_after(moment, Killed())
            with pytest.raises(Killed):
                take(SnapshotFolder(path), 4)
        loaded = load_snapshot(path)
        check(loaded, loaded.manifest.cut)
        found.append(loaded.manifest.cut)
        for cut in SnapshotFolder(path).cuts():
            check(load_snapshot(of(path, cut)), cut)
        take(SnapshotFolder(path), 4)  # by a run that was resumed
        assert SnapshotFolder(path).cuts() == [2, 3, 4]
        assert not list(path.rglob("*.part"))
        check(load_snapshot(path), 4)
    assert found == sorted(found)
    assert set(found) == {3, 4}
    assert not caplog.records  # to be killed is no damage


def test_killed_before_the_first_is_whole(tmp_path: Path) -> None:
    changes = changes_of(tmp_path / "tried", 4)
    for moment in range(changes):
        path = tmp_path / str(moment)
        with pytest.MonkeyPatch.context() as patch:
            Disk(patch).fail_after(moment, Killed())
            with pytest.raises(Killed):
                take(SnapshotFolder(path), 4)
        if not (of(path, 4) / "manifest.json").exists():
            with pytest.raises(RunError, match=f"{moment} has no whole snapshot to resume from"):
                load_snapshot(path)
        take(SnapshotFolder(path), 4)
        check(load_snapshot(path), 4)


def test_a_full_disk_at_any_moment(tmp_path: Path) -> None:
    taken(tmp_path / "tried", 1, 2, 3)
    for moment in range(changes_of(tmp_path / "tried", 4)):
        path = tmp_path / str(moment)
        taken(path, 1, 2, 3)
        with pytest.MonkeyPatch.context() as patch:
            Disk(patch).fail_after(moment, OSError(errno.ENOSPC, "No space left on device"))
            with pytest.raises(
                RunError, match=r"cannot be written: no space left on device; free some space there, or"
            ):
                take(SnapshotFolder(path), 4)
        check(load_snapshot(path), load_snapshot(path).manifest.cut)


def test_half_written_files_are_overwritten(tmp_path: Path) -> None:
    folder = taken(tmp_path, 1)
    of(tmp_path, 2).mkdir()
    for name in ("shard-0.safetensors.part", "shard-1.safetensors", "manifest.json.part"):
        (of(tmp_path, 2) / name).write_bytes(b"half")
    check(load_snapshot(tmp_path), 1)
    take(folder, 2)
    check(load_snapshot(tmp_path), 2)
    assert not list(tmp_path.rglob("*.part"))


# Damaged


def truncated(path: Path, missing: int = 1) -> None:
    path.write_bytes(path.read_bytes()[:-missing])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def rewritten(**changes: Any) -> Callable[[Path], None]:
    def rewrite(path: Path) -> None:
        fields: dict[str, Any] = json.loads(path.read_bytes())
        path.write_text(json.dumps(fields | changes))

    return rewrite


def resigned(**changes: Any) -> Callable[[Path], None]:
    def resign(path: Path) -> None:
        path.write_bytes(Manifest.decoded(path.read_bytes()).model_copy(update=changes).encoded())

    return resign


def with_one_shard(path: Path) -> None:
    rewritten(shards=json.loads(path.read_bytes())["shards"][:1])(path)


def with_little(path: Path) -> None:
    path.write_text('{"cut": 2}')


CHECKSUM = r"expected checksum [0-9a-f]{32}, received [0-9a-f]{32}"
DAMAGES: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "shard missing": ("shard-1.safetensors", Path.unlink, " cannot be read: no such file or directory"),
    "shard truncated": ("shard-0.safetensors", truncated, r": expected \d+ bytes, received \d+"),
    "bit of a shard flipped": ("shard-1.safetensors", flipped, f": {CHECKSUM}"),
    "manifest empty": ("manifest.json", emptied, ": Invalid JSON: EOF"),
    "manifest truncated": ("manifest.json", lambda path: truncated(path, 9), ": Invalid JSON: EOF"),
    "bit of the manifest flipped": ("manifest.json", rewritten(seed=8), f": {CHECKSUM}"),
    "manifest misses a shard": ("manifest.json", with_one_shard, ": Value error, expected 2 shards, received 1"),
    "unknown field": ("manifest.json", rewritten(more=1), ": more: Extra inputs are not permitted"),
    "field missing": ("manifest.json", with_little, ": format: Field required; version: F"),
    "other type": ("manifest.json", rewritten(cut="2"), ": cut: Input should be a valid integer"),
    "other format": ("manifest.json", rewritten(format="x"), ": format: Input should be 'rlreactor snapshot'"),
    "other version": ("manifest.json", rewritten(version=2), ": version: Input should be 1"),
    "shard elsewhere": (
        "manifest.json", rewritten(shards=[{"file": "../x", "size": 0, "checksum": ""}]), r": shards\.0\.file: String",
    ),
    "other cut": ("manifest.json", resigned(cut=1), ": expected cut 2, received 1"),
}  # fmt: skip


@pytest.mark.parametrize(("file", "damage", "expected"), DAMAGES.values(), ids=list(DAMAGES))
def test_a_damaged_one_is_passed_over(
    file: str, damage: Callable[[Path], None], expected: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    taken(tmp_path, 1, 2)
    damage(of(tmp_path, 2) / file)
    check(load_snapshot(tmp_path), 1)
    (warning,) = caplog.messages
    assert warning.startswith(f"{of(tmp_path, 2) / file}")
    assert warning.endswith("; this snapshot is damaged, the one before it is looked at")
    with pytest.raises(RunError, match=f"{file}{expected}"):
        load_snapshot(of(tmp_path, 2))


def test_the_newest_that_is_whole_among_several(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    taken(tmp_path, 1, 2, 3)
    flipped(of(tmp_path, 3) / "shard-0.safetensors")
    truncated(of(tmp_path, 2) / "shard-1.safetensors")
    check(load_snapshot(tmp_path), 1)
    assert len(caplog.messages) == 2


def test_damaged_after_it_was_loaded(tmp_path: Path) -> None:
    taken(tmp_path, 1)
    loaded = load_snapshot(tmp_path)
    flipped(loaded.path / "shard-0.safetensors")
    with pytest.raises(RunError, match=f"shard-0.safetensors: {CHECKSUM}"):
        loaded.shard(0)


def test_a_shard_that_is_none(tmp_path: Path) -> None:
    folder = SnapshotFolder(tmp_path)
    folder.commit(manifest_of(1, [folder.write_shard(1, 0, b"something else")]))
    with pytest.raises(RunError, match=r"shard-0\.safetensors: not a shard of a snapshot, or of another version: "):
        load_snapshot(tmp_path).shard(0)


# Refused


def test_none_left(tmp_path: Path) -> None:
    taken(tmp_path, 1).write_shard(2, 0, b"")
    (of(tmp_path, 1) / "shard-0.safetensors").write_bytes(b"")
    with pytest.raises(RunError) as refused:
        load_snapshot(tmp_path)
    size = len(encode_shard(content_of(1, 0)))
    assert str(refused.value) == (
        f"{tmp_path} has no whole snapshot to resume from; found: {of(tmp_path, 2)} is not a finished snapshot: it has "
        f"no manifest.json; {of(tmp_path, 1)}/shard-0.safetensors: expected {size} bytes, received 0; name the folder "
        "that run(snapshot=...) wrote to, or begin anew without resuming"
    )


@pytest.mark.parametrize(("name", "found"), [("none", "no such folder"), ("", "no snapshots"), ("file", "no such fol")])
def test_nothing_there(name: str, found: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=f"{name} has no whole snapshot to resume from; found: {found}"):
        load_snapshot(tmp_path / name)


def test_the_one_asked_for_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"00000000000000000007 is not a finished snapshot: it has no manifest\.json"):
        load_snapshot(of(tmp_path, 7))


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    for name in ("thesis.tex", "a", f"{5:020d}", "b"):
        (tmp_path / name).touch()
    with pytest.raises(RunError) as refused:
        SnapshotFolder(tmp_path)
    assert str(refused.value) == (
        f"{tmp_path} holds what is no snapshot: 00000000000000000005, a, b, ...; choose a new or an empty folder"
    )


def test_a_file_instead_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(RunError, match="x cannot be written: file exists; choose a folder that you may write to"):
        SnapshotFolder(tmp_path / "x")
    with pytest.raises(RunError, match="y cannot be written: not a directory"):
        SnapshotFolder(tmp_path / "x" / "y")


def test_a_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path, mode: int) -> bool:
        return False

    monkeypatch.setattr(os, "access", refused)  # root may write anywhere
    with pytest.raises(RunError, match="cannot be written: permission denied; choose a folder that you may write to"):
        SnapshotFolder(tmp_path)


def test_nothing_is_committed_that_is_not_there(tmp_path: Path) -> None:
    folder = SnapshotFolder(tmp_path)
    shards = [folder.write_shard(1, worker, b"") for worker in range(2)]
    (of(tmp_path, 1) / "shard-1.safetensors").unlink()
    with pytest.raises(RunError, match=r"shard-1\.safetensors cannot be read: no such file or directory"):
        folder.commit(manifest_of(1, shards))
    assert folder.cuts() == []
    with pytest.raises(ValueError, match="expected 0 shards, received 0"):
        manifest_of(1, [])
