"""The folder of a training run."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

from rlreactor.commands.failure import UsageError
from rlreactor.errors import ReactorError
from rlreactor.observe.files import FileError, write_atomically, writing
from rlreactor.observe.jsonl import plain
from rlreactor.observe.manifest import now

__all__ = ["RunFolder"]


class RunFolder:
    """Where everything about one run is written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest = path / "manifest.json"
        self.plan = path / "plan.yaml"
        self.metrics = path / "metrics.jsonl"
        self.checkpoint = path / "checkpoint.safetensors"
        self.curve = path / "curve.png"
        self.picture = path / "topology.svg"
        self.mermaid = path / "topology.mmd"
        self._facts: dict[str, Any] = {}

    @staticmethod
    def make(chosen: Path | None, name: str) -> RunFolder:
        """The folder that was chosen, or a new one below runs/. Raises UsageError where there is a run, FileError."""
        if chosen is None:
            return RunFolder(_new_folder(Path("runs"), f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"))
        with writing(chosen):
            chosen.mkdir(parents=True, exist_ok=True)
        if (chosen / "manifest.json").exists():
            raise UsageError(f"--run-dir: {chosen} already holds a run; choose another folder, or remove that one")
        return RunFolder(chosen)

    def record(self, facts: Mapping[str, Any]) -> None:
        """Add facts to the manifest. Raises FileError."""
        self._facts.update(facts)
        text = json.dumps(plain(self._facts), indent=2, allow_nan=False)
        write_atomically(self.manifest, text.encode() + b"\n")

    @contextlib.contextmanager
    def recorded(self) -> Generator[None]:
        """The manifest tells when and how the body ended, if it did not do so itself."""
        try:
            yield
        except (ReactorError, KeyboardInterrupt) as end:
            status = "interrupted" if isinstance(end, KeyboardInterrupt) else "failed"
            with contextlib.suppress(FileError):  # the disk may be the reason
                self.record({"status": status, "finished": now(), "error": str(end)})
            raise


def _new_folder(parent: Path, name: str) -> Path:
    """Two runs that begin in the same second get two folders."""
    for path in _candidates(parent, re.sub(r"[^\w.-]+", "-", name)):
        with writing(path):
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                continue
            return path
    raise AssertionError("unreachable")


def _candidates(parent: Path, name: str) -> Iterator[Path]:
    yield parent / name
    number = 2
    while True:
        yield parent / f"{name}-{number}"
        number += 1
