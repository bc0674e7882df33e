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
from rlreactor.commands.folder_lock import held
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
        self.snapshots = path / "snapshots"
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

    @staticmethod
    def reopen(path: Path) -> RunFolder:
        """The folder of an earlier run. Raises UsageError where there is none."""
        folder = RunFolder(path)
        if not folder.manifest.exists():
            raise UsageError(
                f"{path} holds no training run: it has no {folder.manifest.name}; expected a folder that "
                "`rlreactor train` has filled, such as those below runs/"
            )
        return folder

    def read_manifest(self) -> dict[str, Any]:
        """What an earlier run has recorded. Raises FileError."""
        try:
            known: dict[str, Any] = json.loads(self.manifest.read_bytes())
        except OSError as error:
            raise FileError(f"{self.manifest} cannot be read: {(error.strerror or str(error)).lower()}") from None
        except ValueError as error:
            raise FileError(f"{self.manifest} is damaged: {error}") from None
        return known

    def held(self) -> contextlib.AbstractContextManager[None]:
        """Meanwhile the folder is this run's alone. Raises UsageError."""
        return held(self.path)

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
