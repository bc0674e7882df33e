"""Seeds and thresholds."""

from __future__ import annotations

import pytest

from bench.scores import seeds_of, targets_of


@pytest.mark.parametrize(("text", "seeds"), [("1-5", (1, 2, 3, 4, 5)), ("3", (3,)), ("1,4-5", (1, 4, 5))])
def test_seeds(text: str, seeds: tuple[int, ...]) -> None:
    assert seeds_of(text) == seeds


def test_mean_lowest_and_steps_are_judged() -> None:
    runs = [{"eval_return": 500.0, "env_steps": 100_000}, {"eval_return": 399.0, "env_steps": 150_001}]
    mean, lowest, steps = targets_of("CartPole-v1", [*runs])
    assert (mean.measured, mean.holds) == (449.5, False)
    assert (lowest.measured, lowest.holds) == (399.0, False)
    assert (steps.measured, steps.holds) == (150_001, False)


def test_a_failed_run_is_the_worst_of_all() -> None:
    mean, lowest, _ = targets_of("CartPole-v1", [{"eval_return": 500.0, "env_steps": 1}, None])
    assert not mean.holds
    assert not lowest.holds
