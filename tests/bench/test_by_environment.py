"""Experiments that are made in several environments: their options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from bench.by_environment import Found, in_each
from bench.measure import Contestant, Rounds
from bench.rates import RATE, part_of

Quick = Callable[..., dict[str, Any]]


class Task(NamedTuple):
    env: str


def contestants(task: Task, part: float) -> list[Contestant]:
    """Everybody is as fast as the part that is asked for."""
    return [Contestant(name, lambda: {RATE: part}) for name in ("ours", "theirs", "ours, otherwise")]


def judge(task: Task, rounds: Rounds) -> Found:
    return Found(task.env, "ours", [], ["theirs"])


def example() -> int:
    return in_each("example", "", [Task("a"), Task("b")], contestants, judge, compared=("ours", "theirs"))


def test_environments_and_the_length_of_slices_are_chosen(quick: Quick) -> None:
    written = quick(example, "--rounds", 1, "--env", "b", "--part", 0.25)
    assert list(written["measured"]) == ["b"]
    rates = {name: figures[RATE]["rounds"] for name, figures in written["measured"]["b"]["contestants"].items()}
    assert rates == {"ours": [0.25], "theirs": [0.25], "ours, otherwise": [0.25]}
    assert written["settings"]["part"] == 0.25


def test_only_those_who_are_compared_take_part(quick: Quick) -> None:
    written = quick(example, "--rounds", 1, "--env", "a", "--compared")
    assert list(written["measured"]["a"]["contestants"]) == ["ours", "theirs"]


@pytest.mark.parametrize(("part", "rounds"), [(1.0, 100), (0.25, 25), (0.001, 10)])
def test_a_part_leaves_enough_for_a_warm_up(part: float, rounds: int) -> None:
    assert part_of(part, 100) == rounds
