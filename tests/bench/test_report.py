"""What an experiment writes down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import report
from bench.machine import ROOT, describe
from bench.report import Report, Target

FIELDS = {"experiment", "command", "machine", "settings", "measured", "targets", "against", "shares"}
LATER = {"against", "shares"}
"""What older results lack."""


@pytest.mark.parametrize(
    ("target", "holds"),
    [
        (Target("rate", 3.0, 3.0), True),
        (Target("rate", 3.0, 2.9), False),
        (Target("seconds", 4.0, 4.0, at_least=False), True),
        (Target("seconds", 4.0, 4.1, at_least=False), False),
    ],
)
def test_a_target_holds_up_to_its_threshold(target: Target, holds: bool) -> None:
    assert target.holds is holds
    assert target.as_json()["holds"] is holds


def test_the_report_is_written_and_a_miss_is_an_exit_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    monkeypatch.setattr("sys.argv", ["a/path/of/this/machine.py", "--rounds", "5"])
    outcome = Report("example", {"rounds": 5}, {"rate": 1.0}, [Target("rate", 2.0, 1.0)])
    assert outcome.finish() == 1
    written = json.loads((tmp_path / "example.json").read_text())
    assert set(written) == FIELDS
    assert written["command"] == "python -m bench.example --rounds 5"
    assert written["targets"] == [
        {"what": "rate", "threshold": 2.0, "measured": 1.0, "at_least": True, "holds": False}
    ]  # fmt: skip
    assert "MISS" in capsys.readouterr().out


def test_nothing_missed_is_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    assert Report("example", {}, {}, [Target("rate", 2.0, 2.0)]).finish() == 0


def test_the_machine_is_described_without_its_paths() -> None:
    described = json.dumps(describe())
    assert str(ROOT) not in described
    assert str(Path.home()) + "/" not in described


@pytest.mark.parametrize("path", sorted((ROOT / "bench" / "results").glob("*.json")), ids=lambda path: str(path.stem))
def test_every_result_in_the_repository_has_the_same_shape(path: Path) -> None:
    text = path.read_text()
    result = json.loads(text)
    assert FIELDS - LATER <= set(result) <= FIELDS | {"reasons", "interrupted"}
    assert result["experiment"] == path.stem
    assert result["command"].startswith(f"python -m bench.{path.stem}")
    assert {"cpu", "cores", "python", "packages", "revision", "load"} <= set(result["machine"])
    assert all(target["holds"] in (True, False) for target in result["targets"])
    assert str(ROOT) not in text
