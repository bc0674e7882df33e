"""Metrics as lines of JSON, written while the run lasts."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

from rlreactor.observe.files import sync_folder, writing
from rlreactor.runtime.metrics import Metric

__all__ = ["JsonLines", "plain"]


class JsonLines:
    """One object a metric: tag, path, seconds, and the values.

    Args:
        path: the file, which goes on where there is one.
        seconds: from which to count, where a run goes on.
    """

    def __init__(self, path: Path, seconds: float = 0.0) -> None:
        self._path = path
        self._start = time.monotonic() - seconds
        self._written = 0
        with writing(path):
            self._file = path.open("ab", buffering=0)  # unbuffered: whoever follows the file sees whole lines

    def __call__(self, metric: Metric) -> None:
        """Append one line. Raises FileError; then the file ends with the last whole line."""
        line = json.dumps(self._entry(metric), allow_nan=False).encode() + b"\n"
        with writing(self._path):
            self._append(line)

    def _entry(self, metric: Metric) -> dict[str, Any]:
        seconds = round(time.monotonic() - self._start, 3)
        return {"path": metric.path, "tag": list(metric.tag), "seconds": seconds, **plain(metric.values)}

    def _append(self, line: bytes) -> None:
        """A disk that is nearly full takes part of a line and refuses the rest."""
        whole = self._file.tell()
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            with contextlib.suppress(OSError):  # not a regular file
                os.ftruncate(self._file.fileno(), whole)
            raise

    def secure(self) -> None:
        """Afterwards all lines are on disk; from any thread. Raises FileError."""
        with writing(self._path):
            os.fsync(self._file.fileno())
            sync_folder(self._path.parent)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def plain(value: Any) -> Any:
    """What JSON makes of it, with null for the numbers that JSON cannot express: NaN and infinities."""
    return json.loads(json.dumps(value), parse_constant=lambda _: None)
