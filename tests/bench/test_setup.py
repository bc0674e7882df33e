"""The opponents' virtual environments."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bench import setup
from bench.machine import OPPONENTS, ROOT
from bench.setup import ENVIRONMENTS


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_everything_that_is_installed_is_pinned(name: str) -> None:
    pinned = re.findall(r"^([\w.-]+)==", (ROOT / "bench" / f"constraints-{name}.txt").read_text(), re.MULTILINE)
    wanted = {canonicalize_name(Requirement(package).name) for package in ENVIRONMENTS[name]}
    assert wanted <= set(map(canonicalize_name, pinned))
    assert OPPONENTS[name] in wanted


def test_results_name_the_version_of_every_opponent() -> None:
    assert set(OPPONENTS) == set(ENVIRONMENTS)


def test_an_unknown_name(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["setup", "rey"])
    assert setup.main() == 2
    assert capsys.readouterr().err == "no environment 'rey'; did you mean 'ray'?\n"


def test_the_others_are_made_where_one_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, status in (("ray", 1), ("xronos", 0)):
        python = tmp_path / f".venv-{name}" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(f"#!/bin/sh\nexit {status}\n")
        python.chmod(0o755)
    monkeypatch.setattr(setup, "_FOLDER", tmp_path)
    monkeypatch.setattr("sys.argv", ["setup", "ray", "xronos"])
    assert setup.main() == 1
    said = capsys.readouterr()
    assert said.out == "bench/.venv-ray\nbench/.venv-xronos\n"
    assert said.err.endswith("not made: ray; experiments go on without them\n")
