"""The loop that steps everybody's vector environments."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.contestants.vector_steps import report


class Noting:
    """Vector environments that remember every action."""

    num_envs = 3

    def __init__(self) -> None:
        self.actions: list[NDArray[Any]] = []
        self.closed = False

    def step(self, actions: NDArray[Any]) -> None:
        self.actions.append(actions)

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("dtype", [np.int64, np.int32])
def test_every_round_has_actions_at_random(dtype: Any, capsys: pytest.CaptureFixture[str]) -> None:
    environments = Noting()
    report(environments, 2, 20, dtype)
    assert json.loads(capsys.readouterr().out)["steps_per_second"] > 0
    actions = np.array(environments.actions)
    assert (actions.shape, actions.dtype) == ((20, 3), dtype)
    assert set(actions.flat) == {0, 1}
    assert environments.closed
