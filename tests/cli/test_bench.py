"""`rlreactor bench`, with experiments of the tests in a clone of their own."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from .conftest import HERE, ROOT, CommandLine, Ended

PNG = b"\x89PNG"


@pytest.fixture
def clone(rlreactor: CommandLine) -> CommandLine:
    """Stands in a folder that looks like a clone whose experiments are those of the tests."""
    bench = rlreactor.folder / "bench"
    (bench / "contestants").mkdir(parents=True)
    shutil.copy(ROOT / "bench" / "contestants" / "slices.py", bench / "contestants")  # what both sides agree on
    for file in [*ROOT.glob("bench/*.py"), *HERE.glob("experiments/*.py")]:
        shutil.copy(file, bench)
    return rlreactor


def result(clone: CommandLine, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((clone.folder / "bench" / "results" / f"{name}.json").read_text())
    return found


def report(clone: CommandLine) -> str:
    return (clone.folder / "bench" / "REPORT.md").read_text()


def interrupted_in_round_two(clone: CommandLine, number: signal.Signals, *words: str) -> Ended:
    process = clone.start("bench", *words)
    assert process.stderr is not None
    said = [line for line in iter(process.stderr.readline, "round 2/5: quick at first\n") if not line]
    assert said == [], "it ended before its second round"
    process.send_signal(number)
    return clone.end(process)


def test_the_rest_goes_on_after_a_failure(clone: CommandLine) -> None:
    ended = clone("bench", "fine", "b2", "LEAVING", status=1)
    lines = ended.out.splitlines()
    assert lines[0] == "[1/3] B1 fine: two contestants and two missing ones, at most 60 s"
    assert "failing: it ended with status 1: there is no such thing here; there is no new result" in lines
    assert any(line.startswith("leaving: done in ") for line in lines)
    assert ended.error.endswith("rlreactor: without a new result: failing\n")
    assert (result(clone, "leaving")["experiment"], result(clone, "fine")["experiment"]) == ("leaving", "fine")


def test_the_table_and_the_report_say_what_was_found(clone: CommandLine) -> None:
    ended = clone("bench", "fine")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in ended.out.splitlines() if "│" in line]
    assert rows[-3:] == [
        ["fine", "rlreactor", "slow", "1.5 [1.5, 1.5]", "", "1 of 2 met"],
        ["", "rlreactor", "fast", "0.5 [0.5, 0.5]", "", ""],
        ["", "rlreactor", "the physical limit", "", "0.5 [0.5, 0.5]", ""],
    ]
    assert "fine: Ray is missing: no bench/.venv-ray: python -m bench.setup ray makes it\n" in ended.out
    page, plots = report(clone), clone.folder / "bench" / "results" / "plots"
    assert "| fine | rlreactor, times as good as fast | 0.5 [0.5, 0.5] | they cheat |" in page
    assert "| fine | us, should be ≤ 1 | 2 | they cheat |" in page
    assert "- B4 not there: no experiment yet\n" in page
    assert "- failing: not measured yet\n" in page
    assert "- fine, Ray: no bench/.venv-ray: python -m bench.setup ray makes it\n" in page
    assert "- fine, broken: it ended with status 1: Ray did not start\n" in page
    assert "`python -m bench.fine --rounds 2`" in page
    assert "![fine](results/plots/fine.png)" in page
    assert (plots / "fine.png").read_bytes().startswith(PNG)
    assert (plots / "fine.svg").read_text().endswith("</svg>\n")


def test_quick_and_json_and_results_elsewhere_and_no_matplotlib(clone: CommandLine) -> None:
    hidden = clone.folder / "matplotlib"
    hidden.mkdir()
    (hidden / "__init__.py").write_text("raise ImportError\n")
    found = clone("bench", "fine", "--quick", "--json", "--results", "other").result
    assert [one["name"] for one in found["experiments"]] == ["fine"]
    assert (found["failed"], found["not_started"]) == ([], [])
    page = Path(found["report"])
    assert page == clone.folder / "other" / "REPORT.md"
    assert "There are no pictures: plots need `pip install 'rlreactor[bench]'`.\n" in page.read_text()
    assert json.loads((clone.folder / "other" / "fine.json").read_text())["settings"] == {"rounds": 1}
    assert not (clone.folder / "bench" / "results").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: str(number.name))
def test_finished_rounds_survive_an_interruption(clone: CommandLine, number: signal.Signals) -> None:
    ended = interrupted_in_round_two(clone, number, "endless", "after")
    assert ended.status == 128 + number, ended
    assert "endless: interrupted; what was finished is written\n" in ended.out
    assert ended.error.endswith("rlreactor: interrupted; 1 experiment was not started\n")
    kept = result(clone, "endless")
    assert kept["interrupted"] == "in round 2 of 5"
    assert kept["measured"]["contestants"]["quick at first"]["us"]["rounds"] == [1.0]
    assert "**Interrupted in round 2 of 5.**" in report(clone)
    assert "- after: not measured yet\n" in report(clone)


def test_time_is_limited(clone: CommandLine) -> None:
    ended = clone("bench", "b3", "--quick")
    assert "endless: its time of 3 s was over; what was finished is written\n" in ended.out
    assert result(clone, "endless")["interrupted"] == "in round 2 of 5, when its time was over"
    assert result(clone, "after")["experiment"] == "after"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["fin"], "no experiment 'fin'; did you mean 'fine'?"),
        (
            ["B9", "leave"],
            "no experiment 'B9'; known: after, b1, b2, b3, endless, failing, fine, leaving\n"
            "no experiment 'leave'; did you mean 'leaving'?",
        ),
    ],
)
def test_a_name_that_is_unknown(clone: CommandLine, words: list[str], expected: str) -> None:
    ended = clone("bench", *words, status=2)
    assert ended.error == f"rlreactor: {expected}\nsee rlreactor bench --list\n"


def test_the_list(clone: CommandLine) -> None:
    lines = clone("bench", "--list").out.splitlines()
    assert lines[0] == "B1   small"
    assert lines[1].split(maxsplit=1) == ["fine", "two contestants and two missing ones"]
    assert lines[-1].strip() == "no experiment yet"


def test_without_the_repository_it_says_where_the_experiments_are(rlreactor: CommandLine) -> None:
    (rlreactor.folder / "rlreactor").symlink_to(ROOT / "rlreactor")
    ended = rlreactor("bench", status=2)
    assert ended.error == (
        "rlreactor: bench needs the experiments in the folder bench/ of rlreactor's repository, which an installed "
        "package does not have; clone the repository, and in the clone run: make bench\n"
    )
