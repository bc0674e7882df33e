"""Rounds, ratios and their statistics."""

from __future__ import annotations

import json

import pytest

from bench.measure import Contestant, Figures, Missing, Rounds, Spread, interleave, ratios, slope, spread, summary


def numbered(name: str, said: list[str]) -> Contestant:
    """Somebody whose n-th run has the rate n."""
    runs = 0

    def run() -> Figures:
        nonlocal runs
        runs += 1
        said.append(name)
        return {"rate": float(runs)}

    return Contestant(name, run)


def test_spread_is_median_minimum_and_maximum() -> None:
    assert spread([5.0, 1.0, 3.0]) == Spread(3.0, 1.0, 5.0)
    assert spread([4.0, 1.0, 2.0, 100.0]) == Spread(3.0, 1.0, 100.0)


def test_spread_is_shown_with_its_range() -> None:
    assert Spread(42123.4, 40000.0, 50000.6).show() == "42,123 (40,000-50,001)"
    assert Spread(1.234, 1.0, 2.0).show(2) == "1.23 (1.00-2.00)"


def test_ratios_are_taken_round_by_round() -> None:
    assert ratios([10.0, 40.0], [5.0, 10.0]) == [2.0, 4.0]
    assert ratios([1.0, 2.0], [2.0]) == [0.5]


def test_slope_is_that_of_most_points() -> None:
    assert slope([(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]) == 2.0
    assert slope([(0.0, 7.0), (1.0, 8.0), (2.0, -90.0), (3.0, 10.0), (4.0, 11.0)]) == 1.0
    assert slope([(0.0, 7.0), (1.0, 7.0), (5.0, 7.0)]) == 0.0


@pytest.mark.parametrize("points", [[], [(1.0, 5.0)], [(1.0, 5.0), (1.0, 6.0)]])
def test_slope_of_too_few_points_is_nothing(points: list[tuple[float, float]]) -> None:
    assert slope(points) == 0.0


def test_everybody_runs_once_a_round_in_turn() -> None:
    said: list[str] = []
    rounds = interleave([numbered("a", said), numbered("b", said)], 3)
    assert said == ["a", "b"] * 3
    assert rounds.of("a", "rate") == [1.0, 2.0, 3.0]
    assert len(rounds.load) == 3


def test_the_missing_one_is_named_with_its_reason_and_the_rest_goes_on() -> None:
    def run() -> Figures:
        raise Missing("it was not installed")

    said: list[str] = []
    heard: list[str] = []
    rounds = interleave([Contestant("gone", run), numbered("a", said)], 2, heard.append)
    assert rounds.missing == {"gone": "it was not installed"}
    assert rounds.of("gone", "rate") == []
    assert rounds.of("a", "rate") == [1.0, 2.0]
    assert heard == [
        "round 1/2: gone", "gone is missing: it was not installed", "round 1/2: a", "round 2/2: a"
    ]  # fmt: skip


def test_who_fails_later_keeps_finished_rounds() -> None:
    runs = iter([1.0])

    def run() -> Figures:
        rate = next(runs, None)
        if rate is None:
            raise Missing("it ended with status 1")
        return {"rate": rate}

    rounds = interleave([Contestant("frail", run)], 3)
    assert rounds.of("frail", "rate") == [1.0]
    assert rounds.missing == {"frail": "it ended with status 1"}


def test_the_best_has_the_highest_median() -> None:
    rounds = Rounds({"steady": [{"rate": 5.0}] * 3, "lucky": [{"rate": 1.0}, {"rate": 1.0}, {"rate": 99.0}]})
    assert rounds.best(["steady", "lucky", "absent"], "rate") == "steady"
    assert rounds.best(["absent"], "rate") is None


def test_json_has_every_round_and_its_statistics() -> None:
    rounds = Rounds({"a": [{"rate": 1.0}, {"rate": 3.0}]}, {"b": "absent"}, [0.5, 0.6])
    assert json.loads(json.dumps(rounds.as_json())) == {
        "contestants": {"a": {"rate": {"median": 2.0, "minimum": 1.0, "maximum": 3.0, "rounds": [1.0, 3.0]}}},
        "missing": {"b": "absent"},
        "load": [0.5, 0.6],
    }
    assert summary([2.0]) == {"median": 2.0, "minimum": 2.0, "maximum": 2.0, "rounds": [2.0]}
