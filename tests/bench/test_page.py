"""The page and the pictures of results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.findings import Finding, Loss, brackets, load, number
from bench.measure import Rounds, Spread, summary
from bench.page import page_of, text, write_page
from bench.plots import draw
from bench.report import RESULTS, Report, Target

ROUNDS = Rounds({"rlreactor": [{"us": 2.0}, {"us": 4.0}], "them": [{"us": 1.0}, {"us": 3.0}]}, {"gone": "not here"})


def report(**more: Any) -> Report:
    targets = [Target("us", 2.5, 3.0, at_least=False), Target("rate", 1.0, 2.0)]
    return Report("tag", {"rounds": 2}, {"CartPole": ROUNDS.as_json()}, targets, **more)


def finding(**more: Any) -> Finding:
    return Finding(json.loads(json.dumps(report(**more).as_json(["--rounds", "2"]))))


AGAINST = {"rlreactor": {"them": summary([0.5, 0.75]), "others": summary([2.0, 3.0])}, "rlreactor alone": {}}


def test_what_we_lose_are_ratios_below_one() -> None:
    assert finding(against=AGAINST, reasons={"rlreactor: them": "they are good"}).losses == [
        Loss("tag", "rlreactor, times as good as them", "0.625 [0.5, 0.75]", "they are good"),
    ]


def test_missed_targets_are_listed_with_their_bounds() -> None:
    assert finding(reasons={"us": "they are good"}).misses == [
        Loss("tag", "us, should be ≤ 2.5", "3", "they are good"),
    ]


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("4 agents, far: rlreactor, one worker, times faster than Ray (median)", "four are few"),
        ("10 agents, far: rlreactor, times faster than Ray (median)", "ten are many"),
        ("10 agents, far: rlreactor, times faster than one after another (median)", "nobody waits"),
        ("10 agents, near: rlreactor, times faster than Ray (median)", ""),
        ("4 agents, far: rlreactor, times as good as SB3", ""),
    ],
)
def test_the_reason_of_a_loss_is_its_own(what: str, reason: str) -> None:
    reasons = {"4 agents, far: Ray": "four are few", "10 agents, far: Ray": "ten are many",
               "10 agents, far: one after another": "nobody waits"}  # fmt: skip
    found = Finding({"experiment": "x", "targets": [Target(what, 2.0, 1.0).as_json()], "reasons": reasons})
    assert [miss.reason for miss in found.misses] == [reason]


def test_sections_are_found_at_any_depth() -> None:
    (section,) = finding().sections
    assert section.title == "CartPole"
    assert section.figures["them"] == {"us": Spread(2.0, 1.0, 3.0)}
    assert finding().missing == {"gone": "not here"}


def test_losses_stand_at_the_top_and_every_figure_is_there() -> None:
    page = text([finding(against=AGAINST, shares={"rlreactor": summary([0.25, 0.75])})], {"tag": "plots/tag.png"})
    headings = [line for line in page.splitlines() if line.startswith("## ")]
    assert headings == [
        "## Where we lose",
        "## Where we miss our own targets",
        "## What is not here",
        "## B7: messages",
    ]
    for line in (
        "| tag | rlreactor, times as good as them | 0.625 [0.5, 0.75] | not known yet |",
        "- tag, gone: not here",
        "`python -m bench.tag --rounds 2`",
        "Setting: rounds 2.",
        "| CartPole | us |",
        "| rlreactor | 3 [2, 4] |",
        "| rlreactor | others | 2.5 [2, 3] |",
        "| rlreactor | 0.5 [0.25, 0.75] |",
        "| us | ≤ 2.5 | 3 | missed |",
        "![tag](plots/tag.png)",
    ):
        assert f"{line}\n" in page


def test_a_page_without_losses_says_so() -> None:
    ahead = {"rlreactor": {"xronos": Spread(2.0, 1.9, 2.1)._asdict()}}
    assert "## Where we lose\n\nNowhere in what was measured.\n" in text([finding(against=ahead)], {})
    assert "## Where we lose\n\nNothing was measured yet.\n" in text([Finding(Report("tag", {}, {}).as_json([]))], {})


@pytest.mark.parametrize(("value", "shown"), [(0.12345, "0.123"), (12.3456, "12.3"), (12345.6, "12,346"), (-2.0, "-2")])
def test_numbers(value: float, shown: str) -> None:
    assert number(value) == shown
    assert brackets(Spread(value, value, value)) == f"{shown} [{shown}, {shown}]"


def test_the_same_result_gives_the_same_picture(tmp_path: Path) -> None:
    found = finding(against=AGAINST)
    for folder in ("a", "b"):
        assert draw(found, tmp_path / folder) == tmp_path / folder / "tag.png"
    assert (tmp_path / "a" / "tag.svg").read_bytes() == (tmp_path / "b" / "tag.svg").read_bytes()
    assert (tmp_path / "a" / "tag.png").read_bytes() == (tmp_path / "b" / "tag.png").read_bytes()


def test_nothing_to_compare_gives_no_picture(tmp_path: Path) -> None:
    assert draw(finding(), tmp_path) is None


def test_the_page_of_a_folder_lies_in_it(tmp_path: Path) -> None:
    assert write_page(tmp_path / "new") == tmp_path / "new" / "REPORT.md"


def test_the_page_in_the_repository_is_made_from_the_results_in_the_repository() -> None:
    findings = load(RESULTS)
    plots = {one.name: f"results/plots/{one.name}.png" for one in findings if one.comparisons}
    assert page_of(RESULTS).read_text() == text(findings, plots), "python -m bench.page makes it anew"
