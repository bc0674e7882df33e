"""The experiments that `rlreactor bench` knows."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from bench import interruption, measure, report
from bench.experiment import Experiment, chosen, unknown
from bench.machine import ROOT
from bench.measure import Contestant, Figures, interleave
from bench.registry import EXPERIMENTS, FULL_SECONDS, QUICK_SECONDS, TOPICS
from bench.suite import names

SEVERAL = ("lock_step", "rings", "hosted", "ppo_speed")
"""Those that interleave several times, and may be interrupted between."""
ALONE = {"ppo_precision"}
"""What says nothing unless it trains a large network to the end several times; it is run by hand."""


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: str(experiment.name))
def test_every_experiment_is_a_script_of_a_topic(experiment: Experiment) -> None:
    assert set(experiment.numbers) <= set(TOPICS)
    assert callable(importlib.import_module(f"bench.{experiment.name}").main)


def test_every_script_that_reports_is_an_experiment() -> None:
    scripts = {path.stem for path in (ROOT / "bench").glob("*.py") if 'Report("' in path.read_text()}
    by_environment = {path.stem for path in (ROOT / "bench").glob("*.py") if 'in_each("' in path.read_text()}
    assert scripts - {"registry", "report"} | by_environment == {*names(), *ALONE}


@pytest.mark.parametrize(("quick", "limit"), [(True, QUICK_SECONDS), (False, FULL_SECONDS)])
def test_all_together_stay_within_the_time(quick: bool, limit: int) -> None:
    assert sum(experiment.seconds(quick) for experiment in EXPERIMENTS) <= limit


def test_names_are_unique_and_ordered_by_topic() -> None:
    assert len(set(names())) == len(EXPERIMENTS)
    topics = [list(TOPICS).index(experiment.numbers[0]) for experiment in EXPERIMENTS]
    assert topics == sorted(topics)


def test_names_and_numbers_choose_in_the_order_of_the_registry() -> None:
    assert chosen([], EXPERIMENTS) == list(EXPERIMENTS)
    assert [one.name for one in chosen(["TAG", "b6", "B1"], EXPERIMENTS)] == ["broadcast", "multi_agent", "tag"]
    assert unknown(["b1", "Tag", "b99"], EXPERIMENTS) == ["b99"]


def test_options_may_hold_names_with_spaces() -> None:
    experiment = Experiment("any", (), "", "--only 'SB3 DummyVecEnv'", 1, "", 1)
    assert experiment.options(quick=True) == ["--only", "SB3 DummyVecEnv"]
    assert experiment.options(quick=False) == []


def interrupted_before(monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = interruption.Interruption()
    earlier.finished, earlier.where = 1, "in round 1 of 1"
    monkeypatch.setattr(measure, "INTERRUPTION", earlier)


def test_nothing_is_measured_after_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> Figures:
        raise AssertionError("it must not run")

    interrupted_before(monkeypatch)
    rounds = interleave([Contestant("ours", run)], 5)
    assert (rounds.figures, rounds.missing, rounds.load) == ({}, {"ours": "interrupted before its turn"}, [])


@pytest.mark.parametrize("quick", [True, False], ids=["quick", "full"])
@pytest.mark.parametrize("name", SEVERAL)
def test_an_interruption_leaves_the_settings_that_follow_without_figures(
    name: str, quick: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (experiment,) = chosen([name], EXPERIMENTS)
    interrupted_before(monkeypatch)
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    monkeypatch.setattr("sys.argv", [name, *experiment.options(quick)])
    assert importlib.import_module(f"bench.{name}").main() == 0
    assert (tmp_path / f"{name}.json").exists()
