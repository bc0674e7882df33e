"""Where our own time goes: shares of every worker, beside the experiments whose topologies were run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bench import where_time_goes
from bench.contestants.rlreactor_time import ENGINE, KINDS, LOADS, WAITING, Load, rows, shares
from bench.experiment import known
from bench.findings import Finding
from bench.page import text
from bench.registry import EXPERIMENTS
from bench.report import Report
from rlreactor import check

Quick = Callable[..., dict[str, Any]]
USED = {
    "seconds": 11.0,
    "reactions": {"actors[0].collect": 4.0, "actors[0].end": 0.5, "learner.learn": 2.0, "judge.see": 0.5},
    "waiting": 2.0,
    "measuring": 1.0,
}
ACTING = Load("ppo_speed", LOADS["16 bytes"].make, 1, {"actors": "acting", "learner": "learning"})


def test_everything_is_measured(quick: Quick) -> None:
    written = quick(where_time_goes.main, "--rounds", 1, "--part", 0.002, "--loads", "16 bytes")
    found = written["measured"]["round_trip"]["contestants"]
    assert list(found) == ["16 bytes, worker 0", "16 bytes, worker 1"]
    for figures in found.values():
        assert list(figures) == list(KINDS)
        assert sum(figures[kind]["median"] for kind in KINDS) == pytest.approx(1.0)
        assert all(figures[kind]["median"] >= 0 for kind in KINDS)


def test_rollouts_tell_how_long_their_environments_take() -> None:
    stepping = {"actors[0]": 3.0}
    found = shares(ACTING, USED, lambda path: stepping[path])
    assert found == {
        "environment": pytest.approx(0.3),
        "inference": pytest.approx(0.15),  # the rest of both reactions of the actor
        "learning": pytest.approx(0.2),
        "other reactions": pytest.approx(0.05),
        ENGINE: pytest.approx(0.1),
        WAITING: pytest.approx(0.2),
    }


@pytest.mark.parametrize("name", ["PPO CartPole-v1", "minibatch 500"])
def test_the_parts_of_a_rollout_are_told_apart(name: str, quick: Quick) -> None:
    written = quick(where_time_goes.main, "--rounds", 1, "--part", 0.01, "--loads", name)
    (found,) = (section["contestants"] for section in written["measured"].values())
    for worker in rows(name):
        assert all(found[worker][kind]["median"] > 0 for kind in ("environment", "inference"))


def test_many_workers_are_told_together(quick: Quick) -> None:
    written = quick(where_time_goes.main, "--rounds", 1, "--part", 0.01, "--loads", "tiny, 8", "one tag")
    found = {experiment: section["contestants"] for experiment, section in written["measured"].items()}
    assert list(found) == ["scaling", "tag"]
    (eight,), (one,) = found["scaling"].values(), found["tag"].values()
    assert sum(eight[kind]["median"] for kind in KINDS) == pytest.approx(1.0)
    assert list(found["scaling"]) == ["tiny, 8, 8 workers"]
    assert one[WAITING]["median"] == 0


@pytest.mark.parametrize(("name", "load"), LOADS.items(), ids=list(LOADS))
def test_loads_belong_to_experiments_and_name_their_reactors(name: str, load: Load) -> None:
    assert load.experiment in known(EXPERIMENTS)
    if name.startswith("envpool:"):
        pytest.importorskip("envpool")
    names = {node.reactor.partition("[")[0] for node in check(load.make()).reactions}
    assert set(load.kinds) <= names


def finding(name: str, *loads: str, **more: Any) -> Finding:
    shares = {kind: _spread(0.1 * n) for n, kind in enumerate(KINDS)}
    measured = {"tag": {"contestants": {load: shares for load in loads or ("one, worker 0",)}}}
    return Finding(Report(name, {}, measured, **more).as_json([]))


def _spread(value: float) -> dict[str, float]:
    return {"median": value, "minimum": value, "maximum": value}


def test_the_page_shows_it_beside_the_experiment_and_as_the_reason_of_a_loss() -> None:
    lost = Report("tag", {}, {}, against={"ours": {"theirs": _spread(0.5)}}).as_json([])
    page = text([Finding(lost), finding("where_time_goes")], {})
    experiment = page[page.index("### tag") : page.index("### where_time_goes")]
    assert "| percent of our time (`where_time_goes`) | environment | inference |" in experiment
    assert "| one, worker 0 | 0 | 10 | 20 | 30 | 40 | 50 |" in experiment
    reason = "one, worker 0: 50 % waiting, 40 % links and scheduler"
    assert f"| tag | ours, times as good as theirs | 0.5 [0.5, 0.5] | {reason} |" in page


@pytest.mark.parametrize(
    ("what", "load"),
    [
        ("Pong: ours", "Pong, worker 0"),
        ("Pong: ours", "Pong, 2 x 4, worker 0"),
        ("tiny, 8 workers", "tiny, 8, 8 workers"),
    ],
)
def test_the_reason_of_a_loss_is_that_of_its_own_load(what: str, load: str) -> None:
    lost = Report("tag", {}, {}, against={what: {"theirs": _spread(0.5)}}).as_json([])
    page = text([Finding(lost), finding("where_time_goes", load, "CartPole, worker 0")], {})
    assert f"| {load}: 50 % waiting, 40 % links and scheduler |" in page
