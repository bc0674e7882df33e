"""The metrics of a run before the snapshot that it goes on from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rlreactor.observe.files import FileError, write_atomically
from rlreactor.runtime.metrics import Metric
from rlreactor.tag import Tag

__all__ = ["History", "cut_back"]


class History(NamedTuple):
    """What stays of a file of metrics: they themselves, and the seconds that the last of them tells."""

    metrics: Sequence[Metric] = ()
    seconds: float = 0.0

    def series(self, path: str, name: str) -> list[tuple[Tag, Any]]:
        """One metric over time."""
        return [
            (metric.tag, metric.values[name])
            for metric in self.metrics
            if metric.path == path and name in metric.values
        ]

    def last(self, path: str, name: str) -> Any:
        """The last value of a metric, or None."""
        series = self.series(path, name)
        return series[-1][1] if series else None


def cut_back(path: Path, cut: int) -> History:
    """Drop the lines of logical time `cut` and later, and what is no whole line. Raises FileError.

    The run that goes on from that time says them again.
    """
    kept = [entry for entry in _entries(path) if entry["tag"][0] < cut]
    if path.exists():
        write_atomically(path, b"".join(json.dumps(entry).encode() + b"\n" for entry in kept))
    seconds = max((entry.get("seconds", 0.0) for entry in kept), default=0.0)
    return History([_metric(entry) for entry in kept], seconds)


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    for line in _read(path).splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and "tag" in entry:
            yield entry


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""  # the run was killed before it had said anything
    except OSError as error:
        raise FileError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None


def _metric(entry: dict[str, Any]) -> Metric:
    values = {name: value for name, value in entry.items() if name not in ("path", "tag", "seconds")}
    return Metric(Tag(*entry["tag"]), entry["path"], values)
