"""Two folders of results, ratio by ratio."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import repeat
from bench.measure import summary
from bench.report import Report


def folder(path: Path, *, xronos: float, share: float, ray: float | None = None) -> Path:
    against = {"ours": {"xronos": summary([xronos])} | ({"Ray": summary([ray])} if ray else {})}
    found = Report("tag", {}, {}, against=against, shares={"ours": summary([share])}).as_json([])
    path.mkdir()
    (path / "tag.json").write_text(json.dumps(found))
    return path


def compare(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["repeat", *map(str, arguments)])
    return repeat.main()


def test_every_ratio_is_shown_with_its_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = folder(tmp_path / "first", xronos=2.0, share=0.5, ray=40.0)
    second = folder(tmp_path / "second", xronos=2.5, share=0.2)
    assert compare(monkeypatch, first, second) == 1
    lines = capsys.readouterr().out.splitlines()
    cells = {
        line.split("│")[3].strip(): [cell.strip() for cell in line.split("│")[4:8]] for line in lines if "│" in line
    }
    assert cells["xronos"] == ["2", "2.5", "+25%", ""]
    assert cells[repeat.LIMIT] == ["0.5", "0.2", "-60%", "MISS"]
    assert cells["Ray"] == ["", "", "", "only once"]
    assert lines[-3:] == [
        "ratios to opponents: 1 of 1 within 25%",
        "shares of the physical limit: 0 of 1 within 25%",
        "found in one folder only: 1",
    ]


def test_all_within_the_bound_is_a_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = folder(tmp_path / "first", xronos=2.0, share=0.5)
    second = folder(tmp_path / "second", xronos=2.2, share=0.45)
    assert compare(monkeypatch, first, second) == 0
    assert compare(monkeypatch, first, second, "--within", 0.05) == 1


def test_a_folder_without_ratios_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, empty = folder(tmp_path / "first", xronos=2.0, share=0.5), tmp_path / "empty"
    with pytest.raises(SystemExit, match=rf"^{empty} has no ratios: rlreactor bench --quick --results {empty} makes"):
        compare(monkeypatch, first, empty)
