"""Lock-step against Ray: our side at tiny sizes, and what is demanded of what was measured."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.contestants.bare_steps import make
from bench.contestants.consecutive import Consecutive
from bench.contestants.ray_cluster import rate
from bench.contestants.rlreactor_steps import TimedWalks
from bench.contestants.slices import each
from bench.measure import Rounds
from bench.rates import LIMIT, RATE
from bench.ray_lock_step import ALONE, CALLS, GRAPH, OURS, RAY, TASKS, WALKING, best_of, reasons, targets
from rlreactor import run
from rlreactor.reactors.environment_spec import EnvironmentSpec, describe
from rlreactor.reactors.environments import make_environments

BLACKJACK = TASKS["Blackjack"]
MEASURED = Rounds(
    {
        LIMIT: [{RATE: 60.0, "all_cores": 100.0}],
        OURS: [{RATE: 40.0}],
        ALONE: [{RATE: 50.0}],
        WALKING: [{RATE: 90.0}],
        RAY: [{RATE: 5.0}],
        GRAPH: [{RATE: 2.0}],
    },
    {CALLS: "RayError: gone"},
)


def test_the_faster_of_ours_is_compared_and_who_is_missing_is_not() -> None:
    found = targets("Blackjack", BLACKJACK, MEASURED)
    assert best_of(MEASURED) == ALONE
    assert [(target.threshold, target.measured, target.holds) for target in found] == [
        (50.0, 10.0, False),
        (12.0, 25.0, True),
    ]


def test_a_miss_is_explained_by_the_environments_themselves() -> None:
    (reason,) = reasons(BLACKJACK, MEASURED).items()
    assert reason[0] == RAY
    assert "is 20 times as fast as Ray; 50 were asked for" in reason[1]


@pytest.mark.parametrize(("name", "shape"), [("Blackjack-v1", (3,)), ("FrozenLake-v1", (1,))])
def test_tabular_environments_show_numbers(name: str, shape: tuple[int]) -> None:
    environment = make(f"bench.contestants.numbers:numbers/{name}")
    observation, _ = environment.reset(seed=0)
    assert observation.shape == shape
    assert environment.observation_space.contains(observation)


def test_rows_are_consecutive_steps_of_one_environment() -> None:
    spec = EnvironmentSpec(id="CartPole-v1")
    together, single = Consecutive(make_environments(spec, 1), 3), make_environments(spec, 1)
    observations, rewards, ended = np.zeros((3, 4), np.float32), np.zeros(3, np.float32), np.zeros(3, np.uint8)
    together.reset([1, 2, 3], observations)
    together.step(np.array([0, 1, 0]), observations, rewards, ended)
    one, expected = np.zeros((1, 4), np.float32), list[NDArray[np.float32]]()
    single.reset([1], one)
    for action in (0, 1, 0):
        single.step(np.array([action]), one, rewards[:1], ended[:1])
        expected.append(one[0].copy())
    np.testing.assert_array_equal(observations, expected)


def test_walkers_make_k_steps_a_message() -> None:
    spec = EnvironmentSpec(id="CartPole-v1")
    topology = TimedWalks(environment=spec, description=describe(spec), crews=2, environments=3, rounds=4)
    result = run(topology, workers=1, timeout=topology.ticks(4))
    assert result.state("actors[1]")["steps"] == 3 * 4


def test_a_form_that_fails_leaves_the_others_alone() -> None:
    def fails() -> dict[str, float]:
        raise RuntimeError("a long story\nthe reason")

    assert each({"bad": fails, "good": lambda: {"ms": 1.0}}) == {"bad": "RuntimeError: the reason", "good": {"ms": 1.0}}


def test_rates_are_taken_after_a_warm_up() -> None:
    numbers: list[int] = []
    assert rate(numbers.append, 20) > 0
    assert numbers == list(range(23))
