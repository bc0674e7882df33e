"""Files are whole or not there."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from rlreactor.observe.files import FileError, write_atomically, writing


def test_replaces_what_was_there_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    write_atomically(path, b"after")
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_has_the_mode_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_atomically(tmp_path / "file", b"")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "file")}
    assert len(modes) == 1


def test_failure_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "file"
    path.write_text("before")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError) as refused:
        write_atomically(path, b"after")
    assert str(refused.value) == (
        f"{path} cannot be written: no space left on device; free some space there, or choose a folder on another disk"
    )
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_other_reasons_have_another_remedy(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such file or directory; choose a folder that you may write to"):
        write_atomically(tmp_path / "none" / "file", b"")


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), writing(Path("file")):
        raise KeyError
