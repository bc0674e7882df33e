"""Every script that compares with Ray, in its quick form and without Ray: whom it measures; it claims nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench import by_hand, multi_agent, q_learning, ray_lock_step
from bench.rates import LIMIT

Quick = Callable[..., dict[str, Any]]


def test_lock_step(quick: Quick) -> None:
    written = quick(
        ray_lock_step.main, "--rounds", 1, "--env", "FrozenLake", "--steps", 20, "--environments", 2, "--ours"
    )  # fmt: skip
    found = written["measured"]["FrozenLake"]
    assert list(found["contestants"]) == [LIMIT, ray_lock_step.OURS, ray_lock_step.ALONE, ray_lock_step.WALKING]
    assert (found["missing"], written["targets"]) == ({}, [])
    assert "reasons" not in written


def test_multi_agent(quick: Quick) -> None:
    written = quick(
        multi_agent.main, "--rounds", 1, "--agents", 2, "--worlds", "simple_spread", "--steps", 100, "--ours"
    )  # fmt: skip
    names = [multi_agent.SEQUENTIAL, *multi_agent.OURS]
    prefix = multi_agent.Game(2, "simple_spread").prefix
    assert list(written["measured"]["contestants"]) == [prefix + name for name in names]
    assert written["targets"] == []


def test_q_learning(quick: Quick) -> None:
    written = quick(
        q_learning.main, "--rounds", 1, "--minibatch", 8, "--learning-rounds", 3, "--rollouts", 2, "--ours"
    )  # fmt: skip
    found = written["measured"]["contestants"]
    sums = [found[q_learning.setting(8) + name]["sum_of_weights"] for name in (q_learning.ALONE, q_learning.OURS)]
    assert sums[0] == sums[1]
    assert written["targets"] == []


def test_by_hand(quick: Quick) -> None:
    written = quick(by_hand.main, "--rounds", 1, "--updates", 2, "--ours")
    assert list(written["measured"]["contestants"]) == [by_hand.OURS]
    assert list(written["measured"]["lines of code"]["contestants"]) == list(by_hand.FILES)
