"""What opponents leave in shared memory: only what is theirs, new and unused goes."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from uuid import uuid4

import pytest

from bench.experiment import Experiment
from bench.leftovers import SHARED_MEMORY, removed
from bench.running import run

_HOLD = """
import mmap, os, sys
file = os.open(sys.argv[2], os.O_RDWR)
held = mmap.mmap(file, 32) if sys.argv[1] == "mapped" else file
if sys.argv[1] == "mapped":
    os.close(file)
print(flush=True)
sys.stdin.read()
"""


def semaphore(folder: Path, name: str = "sem.obj1") -> Path:
    path = folder / name
    path.write_bytes(bytes(32))
    return path


def test_what_is_new_and_unused_goes(tmp_path: Path) -> None:
    with removed(tmp_path):
        semaphore(tmp_path, "sem.hdr1")
        semaphore(tmp_path, "sem.obj1")
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_before_stays(tmp_path: Path) -> None:
    old = semaphore(tmp_path)
    with removed(tmp_path):
        old.write_bytes(bytes(64))
    assert old.exists()


def test_what_took_the_place_of_something_older_goes(tmp_path: Path) -> None:
    semaphore(tmp_path)
    with removed(tmp_path):
        semaphore(tmp_path, "made").replace(tmp_path / "sem.obj1")
    assert list(tmp_path.iterdir()) == []


def test_what_has_another_name_stays(tmp_path: Path) -> None:
    with removed(tmp_path):
        other = semaphore(tmp_path, "psm_1")
    assert other.exists()


def broken_off(folder: Path) -> None:
    with removed(folder):
        semaphore(folder)
        raise KeyboardInterrupt


def test_it_goes_after_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        broken_off(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", ["open", "mapped"])
def test_what_a_living_process_uses_stays(how: str, tmp_path: Path) -> None:
    with removed(tmp_path):
        path = semaphore(tmp_path)
        holder = subprocess.Popen(
            [sys.executable, "-c", _HOLD, how, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert holder.stdout is not None
        holder.stdout.readline()
    assert path.exists()
    holder.communicate()


def test_what_this_process_maps_stays(tmp_path: Path) -> None:
    with removed(tmp_path):
        path = semaphore(tmp_path)
        with path.open("r+b") as file:
            held = mmap.mmap(file.fileno(), 32)
    assert path.exists()
    held.close()


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to give a file away")
def test_what_belongs_to_somebody_else_stays(tmp_path: Path) -> None:
    with removed(tmp_path):
        path = semaphore(tmp_path)
        os.chown(path, 65534, -1)
    assert path.exists()


@pytest.fixture
def name() -> Generator[str]:
    made = f"sem.objtest{uuid4().hex}"
    yield made
    (SHARED_MEMORY / made).unlink(missing_ok=True)


def test_an_experiment_leaves_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "bench"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "forgets.py").write_text(f"import pathlib\npathlib.Path('/dev/shm/{name}').write_bytes(b'1')\n")
    monkeypatch.setattr("bench.running.ROOT", tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    outcome = run(Experiment("forgets", (), "", "", 60, "", 60), tmp_path, quick=True)
    assert "status 0" in outcome.trouble  # it ran, and has no result
    assert not (SHARED_MEMORY / name).exists()
