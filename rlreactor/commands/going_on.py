"""From where a training run goes on, and what its manifest says of that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rlreactor.commands.run_folder import RunFolder
from rlreactor.errors import RunError
from rlreactor.observe.history import History, cut_back
from rlreactor.store.snapshot import finished_cuts, load_snapshot

__all__ = ["GoingOn", "manifest_going_on", "unlike"]


class GoingOn(NamedTuple):
    """A run as it was at a snapshot; None where none was made, so that it begins anew.

    Attributes:
        snapshot: its folder.
        cut: its logical time, in ns.
        history: what had been logged by then.
    """

    snapshot: Path | None
    cut: int
    history: History

    @staticmethod
    def of(folder: RunFolder) -> GoingOn:
        """The newest there is. What the run had logged later is dropped. Raises RunError or FileError."""
        snapshot, cut = _newest(folder)
        return GoingOn(snapshot, cut, cut_back(folder.metrics, cut))


def _newest(folder: RunFolder) -> tuple[Path | None, int]:
    if not finished_cuts(folder.snapshots):
        return None, 0
    try:
        loaded = load_snapshot(folder.snapshots)
    except RunError as error:
        raise RunError(f"{error}. To let this training begin anew: remove {folder.snapshots}, and resume") from None
    return loaded.path, loaded.manifest.cut


def manifest_going_on(known: Mapping[str, Any], facts: Mapping[str, Any], cut: int) -> dict[str, Any]:
    """How the run began stays, how it ended goes; and what was different each time that it went on."""
    changed = {name: value for name, value in facts.items() if name != "status" and value != known.get(name)}
    began = {name: known[name] for name in facts if name in known}
    return {**began, "status": facts["status"], "resumed": [*known.get("resumed", ()), {"from_ns": cut, **changed}]}


def unlike(known: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[str]:
    """What the same bits depend on, and is no longer what it was."""
    for name, version in known["versions"].items():
        now = facts["versions"].get(name, "missing")
        if now != version:
            yield f"{name} {version}, now {now}"
    if known["processor"]["flags"] != facts["processor"]["flags"]:
        yield f"processor {known['processor']['model']}, now {facts['processor']['model']}"
