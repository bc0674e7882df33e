"""What comparisons share: programs that measure several contestants, ratios of costs, tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from rich.console import Console

from bench import setup
from bench.comparison import Column, at_most, costs, elsewhere, here, options, table, times_cheaper, together
from bench.measure import Figures, Missing, Rounds, interleave
from bench.report import Target

ROUNDS = Rounds({"ours": [{"us": 2.0}, {"us": 4.0}], "theirs": [{"us": 10.0}, {"us": 8.0}]}, {"gone": "no such thing"})


def test_one_run_measures_several_in_every_round() -> None:
    runs: Iterator[Mapping[str, Figures | str]] = iter(
        [{"a": {"us": 1.0}, "b": {"us": 2.0}}, {"a": {"us": 3.0}, "b": {"us": 4.0}}]
    )
    rounds = interleave(together(lambda: next(runs), ["a", "b"], "here: "), 2)
    assert rounds.figures == {"here: a": [{"us": 1.0}, {"us": 3.0}], "here: b": [{"us": 2.0}, {"us": 4.0}]}
    assert next(runs, None) is None


def test_who_is_measured_with_a_missing_one_is_missing_too() -> None:
    def run() -> Mapping[str, Figures | str]:
        raise Missing("no virtual environment")

    rounds = interleave(together(run, ["a", "b"]), 2)
    assert rounds.figures == {}
    assert rounds.missing == {
        "a": "no virtual environment",
        "b": "it is measured together with a, which is missing",
    }


def test_a_program_may_say_why_one_of_several_is_missing() -> None:
    rounds = interleave(together(lambda: {"a": "the machine has one core", "b": {"us": 1.0}}, ["a", "b"]), 1)
    assert rounds.figures == {"b": [{"us": 1.0}]}
    assert rounds.missing == {"a": "the machine has one core"}


def test_a_missing_environment_is_said_with_the_command_that_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "_FOLDER", tmp_path)
    with pytest.raises(Missing, match=r"^no bench/\.venv-ray: python -m bench\.setup ray makes it$"):
        elsewhere("ray", "ray_round_trip")()


def test_a_program_of_this_environment_reports_its_figures() -> None:
    found = here("bare_tag", "--tags", 10)()
    assert list(found) == ["a bare loop"]
    figures = found["a bare loop"]
    assert not isinstance(figures, str)
    assert figures["us"] > 0


def test_costs_are_compared_round_by_round() -> None:
    assert times_cheaper(ROUNDS, "ours", ["theirs", "gone"], "us") == {
        "theirs": {"median": 3.5, "minimum": 2.0, "maximum": 5.0, "rounds": [5.0, 2.0]}
    }
    assert costs(ROUNDS, "ours", "us") == 3.0
    assert costs(ROUNDS, "gone", "us") is None


def test_what_was_not_measured_has_no_bound() -> None:
    assert at_most("us", 1.3, None) == []
    assert at_most("us", 1.3, 1.4) == [Target("us", 1.3, 1.4, at_least=False)]


def test_the_table_shows_everybody_and_who_is_missing() -> None:
    console = Console(width=100)
    with console.capture() as captured:
        console.print(table("costs", ROUNDS, [Column("us", "us a tag", 1)]))
    shown = captured.get()
    assert "us a tag" in shown
    assert "3.0 (2.0-4.0)" in shown
    assert "missing: no such thing" in shown


def test_five_rounds_with_all_opponents_are_the_default() -> None:
    chosen = options("").parse_args([])
    assert (chosen.rounds, chosen.ours) == (5, False)
