"""What PPO's rates and returns are judged by."""

from __future__ import annotations

import math

import pytest

from bench.contestants.ppo_task import TASKS, Watch
from bench.measure import Rounds
from bench.ppo_speed import RACES, returns, standard_errors, targets_of

RACE = RACES["CartPole-v1"]
OURS = next(iter(RACE.ours))


def rounds_of(**rates: list[tuple[float, float]]) -> Rounds:
    """Rate and return by round; `ours` is the first of ours."""
    names = {"ours": OURS, "sb3": "SB3 DummyVecEnv", "rllib": "RLlib"}
    figures = {
        names[short]: [{"steady_steps_per_second": rate, "mean_return": value} for rate, value in rounds]
        for short, rounds in rates.items()
    }
    return Rounds({name: [*values] for name, values in figures.items()})


def test_the_fastest_is_who_counts() -> None:
    rounds = rounds_of(
        ours=[(30.0, 200.0), (40.0, 210.0)], sb3=[(10.0, 100.0), (10.0, 110.0)], rllib=[(20.0, 204.0), (20.0, 206.0)]
    )
    ratio, above = targets_of("CartPole-v1", RACE, rounds)
    assert ratio.what == "CartPole-v1, ratio to the fastest, RLlib (median)"
    assert (ratio.measured, ratio.holds) == (1.75, True)
    assert above.holds


def test_a_lower_return_is_a_miss() -> None:
    rounds = rounds_of(ours=[(30.0, 100.0), (40.0, 101.0)], sb3=[(10.0, 200.0), (10.0, 201.0)])
    assert [target.holds for target in targets_of("CartPole-v1", RACE, rounds)] == [True, False]


def test_without_opponents_nothing_is_claimed() -> None:
    assert targets_of("CartPole-v1", RACE, rounds_of(ours=[(30.0, 100.0)])) == []


def test_without_us_the_ratio_is_nothing() -> None:
    (ratio,) = targets_of("CartPole-v1", RACE, rounds_of(sb3=[(10.0, 200.0)]))
    assert (ratio.measured, ratio.holds) == (0.0, False)


def test_standard_errors() -> None:
    assert standard_errors([1.0, 3.0], [2.0, 2.0]) == 0.0
    assert standard_errors([4.0, 6.0], [1.0, 3.0]) == pytest.approx(3.0 / math.sqrt(2.0))
    assert standard_errors([5.0, 5.0], [1.0, 1.0]) == math.inf
    assert standard_errors([5.0], [1.0, 1.0]) is None


def test_runs_without_a_finished_episode_have_no_return() -> None:
    rounds = Rounds({OURS: [{"steady_steps_per_second": 1.0}, {"steady_steps_per_second": 1.0, "mean_return": 2.0}]})
    assert returns(rounds, OURS) == [2.0]


def test_batches_are_whole_minibatches() -> None:
    for name, task in TASKS.items():
        assert task.batch % task.minibatch == 0
        assert RACES[name].steps >= 3 * task.batch


def test_rates_begin_with_the_end_of_the_first_update() -> None:
    watch = Watch()
    watch.started = 90.0
    watch.updates = [(100.0, 10), (101.0, 20), (104.0, 50)]
    figures = watch.figures(None)
    assert figures["seconds_to_first_update"] == 10.0
    assert figures["steady_steps_per_second"] == 10.0
    assert figures["whole_steps_per_second"] == 50.0 / 14.0
