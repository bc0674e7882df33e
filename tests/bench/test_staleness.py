"""Weight staleness: every batch has exactly the declared lag, and another one would be told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bench import staleness
from bench.contestants.rlreactor_staleness import Staleness, measure
from bench.measure import Rounds
from rlreactor import TICK, run

Quick = Callable[..., dict[str, Any]]
SMALL = ("--bytes", 4000, "--readers", 2, "--pushes", 20)


def test_every_batch_has_the_declared_lag(quick: Quick) -> None:
    written = quick(staleness.main, "--rounds", 1, "--lags", 0, 2, *SMALL, "--ours")
    found = written["measured"]["contestants"]
    for lag in (0, 2):
        figures = found[f"lag {lag}: {staleness.OURS}"]
        assert [figures[f"{name}_lag"]["median"] for name in ("least", "median", "largest")] == [lag] * 3
    assert [(target["threshold"], target["holds"]) for target in written["targets"]] == [(0, True), (0, True)]


@pytest.mark.parametrize("lag", [0, 3])
def test_batches_of_all_readers_count(lag: int) -> None:
    found = measure(readers=2, size=100, lag=lag, pushes=10)
    ticks = 10 + 1 + 1 + lag
    assert found["batches"] == 2 * (ticks - lag)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_lag_does_not_depend_on_placement(workers: int) -> None:
    result = run(Staleness(readers=2, size=100, policy_lag=1), workers=workers, timeout=5 * TICK)
    assert result.state("learner")["lags"] == [1] * 8


def test_another_lag_is_a_miss() -> None:
    figures = {"least_lag": 1, "largest_lag": 3}
    (target,) = staleness.targets(Rounds({staleness.setting(1) + staleness.OURS: [figures]}), [1, 4])
    assert (target.measured, target.holds) == (2, False)
