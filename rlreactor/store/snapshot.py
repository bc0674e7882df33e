"""Snapshots of a run: the newest three, each in a folder named by its cut.

Every worker writes a shard, and when all are there the manifest follows. Files appear by being renamed, and a snapshot
loses its manifest before anything else; so whenever a process is killed, what has a manifest is whole. Disks fail in
other ways too, hence the checksums.
"""

from __future__ import annotations

import errno
import logging
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

import xxhash

from rlreactor.errors import RunError
from rlreactor.store.durable import changing, make_folder, remove_folder, write_durably
from rlreactor.store.manifest import Manifest, ShardEntry
from rlreactor.store.shard import decode_shard

__all__ = ["LoadedSnapshot", "SnapshotFolder", "finished_cuts", "load_snapshot"]

_log = logging.getLogger("rlreactor")
_KEPT = 3
_MANIFEST = "manifest.json"
_CUT = re.compile(r"\d{20}")  # digits enough for any time, so that names sort by it
_CHUNK = 1 << 20  # bytes that are read at a time


class SnapshotFolder:
    """Where a run writes its snapshots. It is made where it is missing.

    Raises RunError for a folder that cannot be written, or holds anything else.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        make_folder(self.path)
        with changing(self.path):
            self._check()

    def _check(self) -> None:
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        others = sorted(entry.name for entry in self.path.iterdir() if not _is_snapshot(entry))
        if others:
            found = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
            raise RunError(f"{self.path} holds what is no snapshot: {found}; choose a new or an empty folder")

    def cuts(self) -> list[int]:
        """Of the snapshots that are there, the earliest first."""
        return finished_cuts(self.path)

    def write_shard(self, cut: int, worker: int, data: bytes) -> ShardEntry:
        """Write what `encode_shard` made of one worker, in that worker. Raises RunError."""
        folder = self._of(cut)
        file = f"shard-{worker}.safetensors"
        make_folder(folder)
        write_durably(folder / file, data)
        return ShardEntry(file=file, size=len(data), checksum=xxhash.xxh3_128_hexdigest(data))

    def commit(self, manifest: Manifest) -> None:
        """Finish a snapshot whose shards are all written, and remove what it makes superfluous.

        Of the earlier snapshots two stay. Later ones, which a run meets that was resumed from an earlier one, are left
        alone. Raises RunError, also where a shard is missing.
        """
        folder = self._of(manifest.cut)
        for shard in manifest.shards:
            _check_size(folder / shard.file, shard)
        write_durably(folder / _MANIFEST, manifest.encoded())
        for superfluous in self._superfluous(manifest.cut):
            remove_folder(superfluous, _MANIFEST)

    def _superfluous(self, cut: int) -> list[Path]:
        earlier = [folder for folder in _snapshots(self.path) if int(folder.name) < cut]
        kept = [folder for folder in earlier if _is_finished(folder)][1 - _KEPT :]
        return [folder for folder in earlier if folder not in kept]

    def discard(self, cut: int) -> None:
        """Remove what there is of a snapshot. Raises RunError."""
        if self._of(cut).is_dir():
            remove_folder(self._of(cut), _MANIFEST)

    def _of(self, cut: int) -> Path:
        return self.path / f"{cut:020d}"


class LoadedSnapshot(NamedTuple):
    """A snapshot that is whole."""

    path: Path
    manifest: Manifest

    def shard(self, worker: int) -> dict[str, Any]:
        """What a worker wrote. Raises RunError where that was changed meanwhile."""
        entry = self.manifest.shards[worker]
        path = self.path / entry.file
        data = _read(path)
        _check_checksum(path, entry, xxhash.xxh3_128_hexdigest(data))
        try:
            return decode_shard(data)
        except RunError as error:
            raise RunError(f"{path}: {error}") from None


def finished_cuts(folder: Path) -> list[int]:
    """Of the snapshots in a folder, which may be missing, the earliest first."""
    return [int(snapshot.name) for snapshot in _snapshots(folder) if _is_finished(snapshot)]


def load_snapshot(path: str | Path) -> LoadedSnapshot:
    """The newest whole snapshot in a folder of snapshots, or the one whose own folder is given.

    A damaged one is passed over with a warning, unless it was asked for. Raises RunError where none is whole.
    """
    folder = Path(path)
    if _CUT.fullmatch(folder.name):
        return _verified(folder)
    failures: list[str] = []
    for snapshot in reversed(_snapshots(folder)):
        try:
            return _verified(snapshot)
        except RunError as error:
            failures.append(str(error))
            if _is_finished(snapshot):  # else whoever wrote it was killed, and the one before was the newest
                _log.warning("%s; this snapshot is damaged, the one before it is looked at", error)
    found = "; ".join(failures) or ("no snapshots" if folder.is_dir() else "no such folder")
    raise RunError(
        f"{folder} has no whole snapshot to resume from; found: {found}; name the folder that "
        "run(snapshot=...) wrote to, or begin anew without resuming"
    )


def _is_snapshot(path: Path) -> bool:
    return _CUT.fullmatch(path.name) is not None and path.is_dir()


def _is_finished(snapshot: Path) -> bool:
    return (snapshot / _MANIFEST).exists()


def _snapshots(folder: Path) -> list[Path]:
    """Finished or not, the earliest first."""
    try:
        return sorted(filter(_is_snapshot, folder.iterdir()))
    except OSError:
        return []


def _verified(snapshot: Path) -> LoadedSnapshot:
    if not _is_finished(snapshot):
        raise RunError(f"{snapshot} is not a finished snapshot: it has no {_MANIFEST}")
    path = snapshot / _MANIFEST
    data = _read(path)
    try:
        manifest = Manifest.decoded(data)
    except RunError as error:
        raise RunError(f"{path}: {error}") from None
    if manifest.cut != int(snapshot.name):
        raise RunError(f"{path}: expected cut {int(snapshot.name)}, received {manifest.cut}")
    for shard in manifest.shards:
        _check_size(snapshot / shard.file, shard)
        _check_checksum(snapshot / shard.file, shard, _checksum(snapshot / shard.file))
    return LoadedSnapshot(snapshot, manifest)


def _check_size(path: Path, shard: ShardEntry) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from None
    if size != shard.size:
        raise RunError(f"{path}: expected {shard.size} bytes, received {size}")


def _check_checksum(path: Path, shard: ShardEntry, received: str) -> None:
    if received != shard.checksum:
        raise RunError(f"{path}: expected checksum {shard.checksum}, received {received}")


def _checksum(path: Path) -> str:
    checksum = xxhash.xxh3_128()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                checksum.update(chunk)
    except OSError as error:
        raise _unreadable(path, error) from None
    return checksum.hexdigest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> RunError:
    return RunError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}")
