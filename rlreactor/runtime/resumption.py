"""Snapshots as `run()` is asked for them: what can be kept of a program, and what a run goes on from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rlreactor.errors import RunError
from rlreactor.graph import PHYSICAL, Graph
from rlreactor.reactor import class_path
from rlreactor.runtime.shard import merged
from rlreactor.runtime.snapshot_watch import SnapshotWatch
from rlreactor.runtime.snapshotter import Resumed
from rlreactor.runtime.supervisor import WatchOf
from rlreactor.store.manifest import Manifest, ShardEntry
from rlreactor.store.snapshot import SnapshotFolder, load_snapshot

__all__ = ["check_snapshots", "taken_up", "watch_in"]


def check_snapshots(graph: Graph, snapshot: Any, every: Any, resume: Any, *, recorded: bool) -> None:
    """Raises RunError for what cannot be."""
    if every is not None and (type(every) is not int or every < 1):
        raise RunError(f"snapshot_every: expected ns of logical time as an int of 1 or more, received {every!r}")
    if every is not None and snapshot is None:
        raise RunError("snapshot_every says how often, but not where to: give snapshot=FOLDER too")
    if snapshot is None and resume is None:
        return
    if recorded:
        raise RunError("record= and replay= are of whole runs: they do not go with snapshot= and resume=")
    outside = [f"physical action {path}" for path, action in graph.actions.items() if action.kind == PHYSICAL]
    outside += [f"the physical connection to {edge.sink}" for edge in graph.edges if edge.delay.physical]
    if outside:
        raise RunError(
            f"no snapshot can be made of a program that hears from outside ({outside[0]}): what comes in after one "
            "would be lost. Record the run (record=FILE) and replay it instead"
        )


def watch_in(
    path: str | Path,
    graph: Graph,
    seed: int,
    *,
    first: int,
    every: int | None,
    resumed: Resumed | None,
    before: Callable[[], None] | None = None,
) -> WatchOf:
    """Makes the watch over the snapshots in a folder. Raises RunError for a folder that cannot take them."""
    folder = SnapshotFolder(path)
    known = folder.cuts()
    if known and resumed is None:
        raise RunError(
            f"{path} holds snapshots of an earlier run, the newest of time {known[-1]} ns: go on from it (resume), "
            "or choose a folder of its own for this run"
        )
    topology = graph.topology

    def manifest_of(cut: int, shards: Iterable[ShardEntry]) -> Manifest:
        return Manifest.of(cut, class_path(type(topology)), repr(topology), seed, shards)

    return lambda workers, ask: SnapshotWatch(
        folder, manifest_of, workers, ask, first=first, every=every, before=before
    )


def taken_up(graph: Graph, path: str | Path, seed: int, timeout: int | None) -> Resumed:
    """The newest snapshot in a folder. Raises RunError if there is none, or one of another run."""
    loaded = load_snapshot(path)
    manifest = loaded.manifest
    now = (class_path(type(graph.topology)), repr(graph.topology), seed)
    then = (manifest.topology, manifest.parameters, manifest.seed)
    for name, old, new in zip(("topology", "parameters", "seed"), then, now, strict=True):
        if old != new:
            raise RunError(f"cannot resume {loaded.path}: it was made with {name} {old!r}, and this run has {new!r}")
    if timeout is not None and timeout < manifest.cut:
        raise RunError(
            f"cannot resume {loaded.path}: it is of time {manifest.cut} ns, and timeout={timeout} lies before that"
        )
    return Resumed(manifest.cut, merged(loaded.shard(worker) for worker in range(manifest.shard_count)))
