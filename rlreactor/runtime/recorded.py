"""Recordings of runs: made of what workers report, taken up by replays and compared with them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from rlreactor.errors import RunError
from rlreactor.graph import Graph
from rlreactor.reactor import class_path
from rlreactor.scheduler.failure import ReactionFailure
from rlreactor.store.recording import PhysicalEvent, Recording, before, first_difference
from rlreactor.tag import Tag

__all__ = ["compare", "keep_failure", "load", "recording_of"]

_log = logging.getLogger("rlreactor")


def recording_of(graph: Graph, seed: int, reports: list[dict[str, Any]]) -> Recording:
    """The physical events that the workers report."""
    return _recording(graph, seed, reports, max(Tag(*report["tag"]) for report in reports))


def _recording(graph: Graph, seed: int, reports: list[dict[str, Any]], stop: Tag) -> Recording:
    topology = graph.topology
    return Recording(
        topology=class_path(type(topology)),
        parameters=repr(topology),
        seed=seed,
        stop=stop,
        events=tuple(sorted(PhysicalEvent(*event) for report in reports for event in report["recorded"])),
        history=_histories(reports),
        missed=tuple(sorted((path, Tag(*tag)) for report in reports for path, tag in report["missed"])),
    )


def keep_failure(graph: Graph, seed: int, failure: ReactionFailure, path: str | Path) -> None:
    """Save the physical events up to a failure, which a replay then meets again.

    What cannot be saved is a warning: the failure is what the user has to hear of last.
    """
    tag, reports = failure.tag, failure.happened
    at_stop = any(Tag(*report["stop"]) == tag for report in reports)
    whole = _recording(graph, seed, reports, tag if at_stop else Tag(tag.time, tag.microstep + 1))
    recording = whole._replace(
        events=tuple(event for event in whole.events if event.tag <= tag),
        history=before(tag, whole.history),
        missed=tuple(missed for missed in whole.missed if missed[1] <= tag),
        failed=tag,
    )
    try:
        recording.save(path)
    except RunError as error:
        _log.warning("%s", error)


def _histories(reports: list[dict[str, Any]]) -> dict[str, list[tuple[Tag, int]]]:
    return {
        path: [(Tag(*tag), value) for tag, value in history]
        for report in reports
        for path, history in report["history"].items()
    }


def load(graph: Graph, path: str | Path, seed: int) -> Recording:
    """The recording in a file. Raises RunError if there is none, or one of another run."""
    recording = Recording.load(path)
    now = (class_path(type(graph.topology)), repr(graph.topology), seed)
    then = (recording.topology, recording.parameters, recording.seed)
    for name, old, new in zip(("topology", "parameters", "seed"), then, now, strict=True):
        if old != new:
            raise RunError(f"cannot replay {path}: it was recorded with {name} {old!r}, and this run has {new!r}")
    return recording


def compare(recording: Recording, reports: list[dict[str, Any]], timeout: int | None) -> None:
    """Raises RunError where what a replay set differs from the recording."""
    ends = [Tag(timeout, 0)] if timeout is not None and timeout < recording.stop.time else []  # without the last tag
    ends += [recording.failed] if recording.failed is not None else []
    recorded, replayed = recording.history, _histories(reports)
    if ends:
        recorded, replayed = before(min(ends), recorded), before(min(ends), replayed)
    difference = first_difference(recorded, replayed)
    if difference is not None:
        raise RunError(f"the replay differs from the recording, first at {difference}; the program has changed")
