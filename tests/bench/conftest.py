"""What tests of experiments share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench import report

Quick = Callable[..., dict[str, Any]]


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Quick:
    """Runs a script with a few small arguments; returns what it wrote down."""

    def run(main: Callable[[], int], *arguments: object) -> dict[str, Any]:
        monkeypatch.setattr(report, "RESULTS", tmp_path)
        monkeypatch.setattr("sys.argv", ["script", *map(str, arguments)])
        status = main()
        (path,) = tmp_path.iterdir()
        written: dict[str, Any] = json.loads(path.read_text())
        assert status == int(not all(target["holds"] for target in written["targets"]))
        return written

    return run
