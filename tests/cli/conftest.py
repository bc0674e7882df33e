from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
MARK = "RLREACTOR_TEST"
TIMEOUT_S = 60


class Ended(NamedTuple):
    """What a command said and how it ended."""

    status: int
    out: str
    error: str

    @property
    def result(self) -> dict[str, Any]:
        """What --json printed: the only thing on stdout."""
        assert self.out.count("\n") == 1, self
        found: dict[str, Any] = json.loads(self.out)
        return found


class CommandLine:
    """Runs `rlreactor` as a process of its own in a folder of its own, and sees to it that nothing is left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._mark = uuid.uuid4().hex
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """A process of which the test takes care."""
        return self.start_python("-m", "rlreactor.cli", *words, **options)

    def start_python(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        paths = [str(self.folder), str(ROOT), str(HERE)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), MARK: self._mark, "COLUMNS": "200"}
        piped: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        process = subprocess.Popen(
            [sys.executable, *words], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, text=True, **piped
        )
        self._started.append(process)
        return process

    def kill_started(self) -> None:
        """After a test has failed, one may be left."""
        for process in self._started:
            with process:
                process.kill()

    def end(self, process: subprocess.Popen[str]) -> Ended:
        """Wait for a process that was started."""
        out, error = process.communicate(timeout=TIMEOUT_S)
        return Ended(process.returncode, out, error)

    def wait_for_snapshot(self, folder: str, after: int = 0) -> int:
        """The logical time of one in a folder that may not be there yet."""
        until = time.monotonic() + TIMEOUT_S
        while time.monotonic() < until:
            cuts = [int(path.parent.name) for path in (self.folder / folder).glob("*/manifest.json")]
            if cuts and max(cuts) > after:
                return max(cuts)
            time.sleep(0.01)
        raise AssertionError(f"no snapshot in {folder} after {after} ns")

    def __call__(self, *words: str, status: int = 0, **options: Any) -> Ended:
        """Run to the end."""
        ended = self.end(self.start(*words, **options))
        assert ended.status == status, ended
        return ended

    def remaining(self) -> list[str]:
        """Processes that are left of any command."""
        mark = f"{MARK}={self._mark}".encode()
        return [folder.name for folder in Path("/proc").glob("[0-9]*") if mark in _environment(folder)]


def _environment(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


_OURS = ("rlreactor", "psm_", "sem.mp-", "torch_")  # what we, Python and torch call it; a Ray beside us has others


def _shared_memory() -> set[str]:
    return {path.name for path in Path("/dev/shm").iterdir() if path.name.startswith(_OURS)}


@pytest.fixture
def rlreactor(tmp_path: Path) -> Iterator[CommandLine]:
    before = _shared_memory()
    command = CommandLine(tmp_path)
    yield command
    command.kill_started()
    assert command.remaining() == []
    assert _shared_memory() <= before
    assert [path for path in tmp_path.rglob(".*") if path.is_file()] == []  # files that were never completed


class Trained(NamedTuple):
    """A short training run."""

    result: dict[str, Any]
    folder: Path
    error: str


@pytest.fixture(scope="package")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    command = CommandLine(tmp_path_factory.mktemp("trained"))
    ended = command(*SHORT, "--workers", "2", "--run-dir", "run", "--json")
    assert command.remaining() == []
    return Trained(ended.result, command.folder / "run", ended.error)


SHORT = ("train", "ppo", "--env", "CartPole-v1", "--steps", "4096", "--eval-episodes", "4")
