"""Kept actions: few bytes, and no more of them than are needed."""

from __future__ import annotations

import numpy as np
import pytest

from rlreactor.algos.policy_spec import BoxAction, DiscreteAction
from rlreactor.reactors.environment_spec import EnvironmentDescription
from rlreactor.reactors.kept_actions import KeptActions


def described(action: DiscreteAction | BoxAction) -> EnvironmentDescription:
    return EnvironmentDescription(observation_shape=(1,), observation_dtype="float32", action=action)


@pytest.mark.parametrize(("action", "given", "dtype"), [
    (DiscreteAction(n=256), [0, 255], "uint8"),
    (DiscreteAction(n=256, start=1), [1, 256], "uint16"),
    (DiscreteAction(n=256, start=-1), [-1, 254], "int16"),
    (BoxAction(shape=(1,), low=(-1.0,), high=(1.0,)), [[0.1], [-0.3]], "float32"),
])  # fmt: skip
def test_actions_of_any_kind_are_kept_as_they_are(
    action: DiscreteAction | BoxAction, given: list[object], dtype: str
) -> None:
    description = described(action)
    actions = KeptActions(description, 2, lambda: 0)
    row = np.array(given, description.action_dtype)
    actions.append(row)
    assert actions.last(1).dtype == dtype
    np.testing.assert_array_equal(actions.last(1), row[None])


def test_what_is_not_needed_goes_when_there_is_no_more_room() -> None:
    needed = 10
    actions = KeptActions(described(DiscreteAction(n=100)), 1, lambda: needed)
    for step in range(1000):
        actions.append(np.array([step % 100]))
    assert len(actions._rows) == 64
    assert actions.last(needed).ravel().tolist() == list(range(90, 100))


def test_what_is_needed_grows() -> None:
    steps = 0
    actions = KeptActions(described(DiscreteAction(n=100)), 1, lambda: steps)
    for steps in range(1000):
        actions.append(np.array([steps % 100]))
    assert actions.last(1000).ravel().tolist() == [step % 100 for step in range(1000)]
