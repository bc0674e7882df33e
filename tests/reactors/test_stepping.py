"""One step of each environment: rows, rewards and endings, in both forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rlreactor.reactors.environments_protocol import TERMINATED, TRUNCATED

from ..forms import FORMS, form_of


def made_of(form: str, steps: Any, *, limit: int | None = None, as_numbers: bool = True) -> Any:
    """Environments that show 0 after a reset, and note what they are asked."""
    stepping: Any = form_of("reactors/stepping", form)

    class Noting(stepping.Stepping):  # type: ignore[misc]
        def __init__(self) -> None:
            self.noted: list[Any] = []
            super().__init__(steps, [self.reset] * len(steps), limit, as_numbers)

        def reset(self, *, seed: int | None) -> tuple[Any, Any]:
            self.noted.append(("reset", seed))
            return np.zeros(2, np.float32), {}

        def _checked(self, observation: Any, method: str) -> Any:
            array = np.asarray(observation)
            self.noted += [] if type(observation) is np.ndarray and array.shape == (2,) else [(observation, method)]
            if array.shape[-1:] != (2,):
                raise ValueError(f"{method}: {observation}")
            return array.reshape(2)

        def _before_reset(self, i: int) -> None:
            self.noted.append(("before", i))

    return Noting()


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def step_each(form: str) -> Callable[..., Any]:
    def step_each(steps: Any, actions: Any, *to: Any) -> Any:
        return made_of(form, steps).step_rows(actions, 0, *to)

    return step_each


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

    assert step_each([step] * 3, [1, 2, 3], observations, rewards, ended) == {}
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

    made_of(form, [step], as_numbers=False).step_rows(np.array([1.5], np.float32), 0, *memory(1))
    assert [(type(action), action) for action in got] == [(np.float32, 1.5)]


@pytest.mark.parametrize("actions", [[7, 8, 9, 10], np.array([7, 8, 9, 10]), np.array([[7], [8], [9], [10]])])
def test_the_first_action_may_stand_in_any_row(form: str, actions: Any) -> None:
    got = list[int]()

    def step(action: Any) -> tuple[Any, ...]:
        got.append(int(np.squeeze(action)))
        return np.zeros(2, np.float32), 0.0, False, False, {}

    made = made_of(form, [step] * 2)
    made.step_rows(actions, 1, *memory(2))
    assert got == [8, 9]
    with pytest.raises(IndexError):
        made.step_rows(actions, 3, *memory(2))
    with pytest.raises(ValueError, match="expected the first row of actions, received -1"):
        made.step_rows(actions, -1, *memory(2))


def test_episodes_are_cut_at_their_limit(form: str) -> None:
    made = made_of(form, [showing(np.array([1, 2], np.float32))] * 2, limit=3)
    made._cut(0, 2)
    observations, rewards, ended = memory(2)
    seen: list[Any] = []
    for _ in range(5):
        final = made.step_rows([0, 0], 0, observations, rewards, ended)
        seen.append(({i: last.tolist() for i, last in final.items()}, ended.tolist(), observations.tolist()))
    cut, goes_on = {0: [1, 2]}, [[1, 2], [1, 2]]
    assert seen[0] == seen[2] == seen[3] == ({}, [0, 0], goes_on)
    assert seen[1] == seen[4] == (cut, [TRUNCATED, 0], [[0, 0], [1, 2]])  # 2 and 3 steps; the other has no limit yet
    assert made.noted == [("reset", None)] * 2
    made._cut(0, None)
    assert [made.step_rows([0, 0], 0, observations, rewards, ended) for _ in range(5)] == [{}] * 5


def test_only_environments_that_there_are_can_be_cut(form: str) -> None:
    made = made_of(form, [showing(np.zeros(2, np.float32))])
    for wrong in (-1, 1):
        with pytest.raises(IndexError, match="takes one of 1 environments and the steps left"):
            made._cut(wrong, 5)


def test_who_wants_to_know_is_told_before_a_reset(form: str) -> None:
    made = made_of(form, [showing(np.ones(2, np.float32), terminated=True)] * 2)
    made._tells_resets = True
    made.step_rows([0, 0], 0, *memory(2))
    assert made.noted == [("before", 0), ("reset", None), ("before", 1), ("reset", None)]


def test_there_is_a_reset_for_every_step(form: str) -> None:
    with pytest.raises(ValueError, match="expected as many resets as steps"):
        form_of("reactors/stepping", form).Stepping([showing(0)], [], None, True)


def test_what_is_unusual_needs_somebody_who_sees_to_it(form: str) -> None:
    stepping = form_of("reactors/stepping", form).Stepping
    made = stepping([showing(7)], [None], None, True)
    with pytest.raises(NotImplementedError, match="a Stepping needs _checked and _before_reset"):
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
    assert step_each([showing(observation)], [0], observations, rewards, ended) == {}
    assert observations[0].tolist() == observation.tolist()


def test_rows_need_not_follow_each_other(step_each: Any) -> None:
    whole = np.zeros((3, 4), np.float32)
    _, rewards, ended = memory(3)
    steps = [showing(np.full(2, i + 1, np.float32)) for i in range(3)]
    step_each(steps, [0] * 3, whole[:, ::2], rewards, ended)
    assert whole.tolist() == [[1, 0, 1, 0], [2, 0, 2, 0], [3, 0, 3, 0]]


@pytest.mark.parametrize(
    ("terminated", "truncated", "bits"),
    [
        (True, False, TERMINATED),
        (False, True, TRUNCATED),
        (np.True_, np.False_, TERMINATED),
        (1, 1, TERMINATED | TRUNCATED),
    ],
)
def test_the_next_episode_begins_in_the_step_that_ends_the_last(
    form: str, terminated: Any, truncated: Any, bits: int
) -> None:
    observations, rewards, ended = memory(3)
    last = np.array([5, 6], np.float32)
    steps = [showing(last), showing(last, 7.0, terminated, truncated), showing(last)]
    made = made_of(form, steps)
    final = made.step_rows([0] * 3, 0, observations, rewards, ended)
    assert {i: kept.tolist() for i, kept in final.items()} == {1: [5, 6]}
    assert not np.shares_memory(final[1], last)
    assert made.noted == [("reset", None)]
    assert observations.tolist() == [[5, 6], [0, 0], [5, 6]]
    assert (rewards.tolist(), ended.tolist()) == ([1, 7, 1], [0, bits, 0])


@pytest.mark.parametrize("observation", [[1.0, 2.0], np.array([[1, 2]], np.float32)])
@pytest.mark.parametrize("over", [False, True])
def test_what_has_another_shape_is_checked(form: str, observation: Any, over: bool) -> None:
    observations, rewards, ended = memory(1)
    made = made_of(form, [showing(observation, terminated=over)])
    final = made.step_rows([0], 0, observations, rewards, ended)
    assert (final[0] if over else observations[0]).tolist() == [1, 2]
    assert made.noted[0][0] is observation
    assert made.noted[0][1] == "step"
    with pytest.raises(ValueError, match="step: 3"):
        made_of(form, [showing(3.0)]).step_rows([0], 0, observations, rewards, ended)


def test_what_is_checked_has_a_rows_shape_afterwards() -> None:
    class Odd(form_of("reactors/stepping", FORMS[0]).Stepping):  # type: ignore[misc]
        def _checked(self, observation: Any, method: str) -> Any:
            return observation

    with pytest.raises(TypeError, match="_checked: expected an array of a row's shape, received 7"):
        Odd([showing(7)], [None], None, True).step_rows([0], 0, *memory(1))


def test_observations_without_dimensions_are_rows_too(form: str) -> None:
    observations, rewards, ended = memory(2, ())

    class Flat(form_of("reactors/stepping", form).Stepping):  # type: ignore[misc]
        def _checked(self, observation: Any, method: str) -> Any:
            return observation

    steps = [showing(np.array(4.0, np.float32))] * 2
    assert Flat(steps, [None] * 2, None, True).step_rows([0, 0], 0, observations, rewards, ended) == {}
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
    made = made_of(FORMS[0], [showing(np.zeros(2, np.float32))] * 2)
    observations, rewards, ended = memory(2)
    for wrong in [
        (observations[:1], rewards, ended),
        (observations, rewards.astype(np.float64), ended),
        (observations, rewards, ended[:1]),
        (observations, rewards[::-1], ended),
    ]:
        with pytest.raises(TypeError, match="expected arrays for observations"):
            made.step_rows([0, 0], 0, *wrong)
