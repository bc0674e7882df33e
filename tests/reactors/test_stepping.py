"""One step of each environment: rows, rewards and endings, in both forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ..forms import FORMS, form_of


def steps_of(form: str, *, as_numbers: bool = True, first: int = 0) -> Callable[..., Any]:
    """A step of each, which returns what was unusual."""
    stepping: Any = form_of("reactors/stepping", form)

    class Caught(stepping.Stepping):  # type: ignore[misc]
        def _ended(self, unusual: Any, observations: Any, ended: Any) -> Any:
            return unusual

    def step_each(steps: Any, actions: Any, *to: Any) -> list[Any]:
        return list(Caught(steps, as_numbers).step_rows(actions, first, *to))

    return step_each


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def step_each(form: str) -> Callable[..., Any]:
    return steps_of(form)


def memory(count: int, shape: tuple[int, ...] = (2,), dtype: Any = np.float32) -> tuple[Any, Any, Any]:
    return np.full((count, *shape), 9, dtype), np.full(count, 9, np.float32), np.full(count, 9, np.uint8)


def showing(observation: Any, reward: Any = 1.0, terminated: Any = False, truncated: Any = False) -> Callable[..., Any]:
    def step(action: Any) -> tuple[Any, ...]:
        return observation, reward, terminated, truncated, {"action": action}

    return step


def test_each_gets_its_action_and_writes_its_row(step_each: Any) -> None:
    observations, rewards, ended = memory(3)

    def step(action: int) -> tuple[Any, ...]:
        return np.array([action, -action], np.float32), action / 2, False, False, {}

    assert step_each([step] * 3, [1, 2, 3], observations, rewards, ended) == []
    assert observations.tolist() == [[1, -1], [2, -2], [3, -3]]
    assert rewards.tolist() == [0.5, 1.0, 1.5]
    assert ended.tolist() == [0, 0, 0]


def test_actions_may_be_rows_of_an_array(step_each: Any) -> None:
    observations, rewards, ended = memory(2)

    def step(action: Any) -> tuple[Any, ...]:
        return action * 2, 0.0, False, False, {}

    step_each([step] * 2, np.array([[1, 2], [3, 4]], np.float32), observations, rewards, ended)
    assert observations.tolist() == [[2, 4], [6, 8]]


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, ">i8", np.float32, np.bool_])
def test_actions_of_a_vector_are_numbers_of_pythons(step_each: Any, dtype: Any) -> None:
    observations, rewards, ended = memory(3)
    actions, got = np.array([1, 0, 1, 0, 1, 1], dtype)[::2], list[Any]()  # not one after another in memory

    def step(action: Any) -> tuple[Any, ...]:
        got.append(action)
        return np.zeros(2, np.float32), 0.0, False, False, {}

    step_each([step] * 3, actions, observations, rewards, ended)
    assert [(type(action), action) for action in got] == [(type(action), action) for action in actions.tolist()]


def test_actions_of_a_vector_stay_as_they_are_where_they_are_no_numbers(form: str) -> None:
    got = list[Any]()

    def step(action: Any) -> tuple[Any, ...]:
        got.append(action)
        return np.zeros(2, np.float32), 0.0, False, False, {}

    steps_of(form, as_numbers=False)([step], np.array([1.5], np.float32), *memory(1))
    assert [(type(action), action) for action in got] == [(np.float32, 1.5)]


@pytest.mark.parametrize("actions", [[7, 8, 9, 10], np.array([7, 8, 9, 10]), np.array([[7], [8], [9], [10]])])
def test_the_first_action_may_stand_in_any_row(form: str, actions: Any) -> None:
    got = list[int]()

    def step(action: Any) -> tuple[Any, ...]:
        got.append(int(np.squeeze(action)))
        return np.zeros(2, np.float32), 0.0, False, False, {}

    steps_of(form, first=1)([step] * 2, actions, *memory(2))
    assert got == [8, 9]
    with pytest.raises(IndexError):
        steps_of(form, first=3)([step] * 2, actions, *memory(2))
    with pytest.raises(ValueError, match="expected the first row of actions, received -1"):
        steps_of(form, first=-1)([step] * 2, actions, *memory(2))


def test_steps_are_counted_and_a_cut_is_unusual(form: str) -> None:
    stepping: Any = form_of("reactors/stepping", form)
    ends = list[tuple[int, Any]]()

    class Cut(stepping.Stepping):  # type: ignore[misc]
        def _ended(self, unusual: Any, observations: Any, ended: Any) -> Any:
            ends.append((self._now, unusual))
            self._next_cut = stepping.NO_CUT
            return {0: observations[0]}

    made = Cut([showing(np.array([1, 2], np.float32))], True)
    made._next_cut = 2
    to = memory(1)
    found = [made.step_rows([0], 0, *to) for _ in range(3)]
    assert [list(each) for each in found] == [[], [0], []]
    assert ends == [(2, [])]


def test_what_is_unusual_needs_somebody_who_sees_to_it(form: str) -> None:
    made = form_of("reactors/stepping", form).Stepping([showing(np.zeros(2, np.float32), terminated=True)], True)
    with pytest.raises(NotImplementedError, match="a Stepping needs _ended"):
        made.step_rows([0], 0, *memory(1))


def test_too_few_actions_are_an_error(step_each: Any) -> None:
    observations, rewards, ended = memory(2)
    with pytest.raises(IndexError):
        step_each([showing(np.zeros(2, np.float32))] * 2, np.zeros(1, np.int64), observations, rewards, ended)


@pytest.mark.parametrize("reward", [2, 2.0, np.float32(2), np.float64(2), np.int64(2), np.array(2.0), True])
def test_rewards_are_converted_as_numpy_does(step_each: Any, reward: Any) -> None:
    observations, rewards, ended = memory(1)
    step_each([showing(np.zeros(2, np.float32), reward)], [0], observations, rewards, ended)
    assert rewards.tolist() == [float(reward)]


@pytest.mark.parametrize(
    "observation",
    [
        np.array([1.5, 2.5], np.float64),
        np.array([1, 2], np.int8),
        np.arange(4, dtype=np.float32)[::2],
        np.array([1, 2], ">f4"),
    ],
)
def test_observations_are_converted_as_numpy_does(step_each: Any, observation: Any) -> None:
    observations, rewards, ended = memory(1)
    assert step_each([showing(observation)], [0], observations, rewards, ended) == []
    assert observations[0].tolist() == observation.tolist()


def test_rows_need_not_follow_each_other(step_each: Any) -> None:
    whole = np.zeros((3, 4), np.float32)
    _, rewards, ended = memory(3)
    steps = [showing(np.full(2, i + 1, np.float32)) for i in range(3)]
    step_each(steps, [0] * 3, whole[:, ::2], rewards, ended)
    assert whole.tolist() == [[1, 0, 1, 0], [2, 0, 2, 0], [3, 0, 3, 0]]


@pytest.mark.parametrize(("terminated", "truncated"), [(True, False), (False, True), (np.True_, np.False_), (1, 1)])
def test_endings_are_left_to_the_caller(step_each: Any, terminated: Any, truncated: Any) -> None:
    observations, rewards, ended = memory(3)
    last = np.array([5, 6], np.float32)
    steps = [showing(last), showing(last, 7.0, terminated, truncated), showing(last)]
    ((index, shown, *over),) = step_each(steps, [0] * 3, observations, rewards, ended)
    assert (index, shown is last, over) == (1, True, [terminated, truncated])
    assert observations.tolist() == [[5, 6], [9, 9], [5, 6]]
    assert (rewards.tolist(), ended.tolist()) == ([1, 7, 1], [0, 0, 0])


@pytest.mark.parametrize("observation", [[1.0, 2.0], 3.0, np.zeros(3, np.float32), np.zeros((1, 2), np.float32), None])
def test_what_has_another_shape_is_left_to_the_caller(step_each: Any, observation: Any) -> None:
    observations, rewards, ended = memory(1)
    ((index, shown, *over),) = step_each([showing(observation)], [0], observations, rewards, ended)
    assert (index, shown is observation, over) == (0, True, [False, False])
    assert observations.tolist() == [[9, 9]]


def test_observations_without_dimensions_are_rows_too(step_each: Any) -> None:
    observations, rewards, ended = memory(2, ())
    assert step_each([showing(np.array(4.0, np.float32))] * 2, [0, 0], observations, rewards, ended) == []
    assert observations.tolist() == [4, 4]


def test_errors_of_a_step_go_through(step_each: Any) -> None:
    def broken(action: int) -> Any:
        raise RuntimeError(f"no step for {action}")

    with pytest.raises(RuntimeError, match="no step for 8"):
        step_each([showing(np.zeros(2, np.float32)), broken], [7, 8], *memory(2))


@pytest.mark.parametrize("returned", [(1, 2, 3, 4), (1, 2, 3, 4, 5, 6), 7])
def test_a_step_returns_five_things(step_each: Any, returned: Any) -> None:
    def step(action: int) -> Any:
        return returned

    with pytest.raises((ValueError, TypeError)):
        step_each([step], [0], *memory(1))


def test_memory_is_checked_before_it_is_written() -> None:
    step_each = steps_of(FORMS[0])
    observations, rewards, ended = memory(2)
    for wrong in [
        (observations[:1], rewards, ended),
        (observations, rewards.astype(np.float64), ended),
        (observations, rewards, ended[:1]),
        (observations, rewards[::-1], ended),
    ]:
        with pytest.raises(TypeError, match="expected arrays for observations"):
            step_each([showing(observations[0])] * 2, [0, 0], *wrong)
