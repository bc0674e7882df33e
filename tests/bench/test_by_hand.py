"""The PPO that is written twice: our side learns as its shared code does in one process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench import by_hand
from bench.by_hand import FILES, OURS, RAY, lines
from bench.machine import ROOT
from bench.ray.on_reactors import train
from bench.ray.shared import ENVIRONMENTS, HORIZON, ROLLOUTS, Collecting, Learning, figures

TEXT = '''"""A module
of two lines."""

import os  # counted


class Some:
    """Not counted."""

    # neither is this
    def method(self) -> str:
        """Nor
        this."""
        text = """counted
        # three

        times"""
        return text + os.sep
'''


def in_one_process(updates: int) -> NDArray[np.float32]:
    collecting, learning = [Collecting(index) for index in range(ROLLOUTS)], Learning()
    for _ in range(updates):
        weights = learning.weights()
        fragments: list[list[NDArray[np.float32]]] = []
        for one in collecting:
            arrays = [np.zeros((HORIZON, ENVIRONMENTS, 4), np.float32)]
            arrays += [np.zeros((HORIZON, ENVIRONMENTS), np.float32) for _ in range(6)]
            one.fill(weights, arrays)
            fragments.append(arrays)
        learning.learn(fragments)
    return learning.weights()


def test_reactors_learn_the_same_as_one_process() -> None:
    ends, weights = train(2)
    assert len(ends) == 2
    np.testing.assert_array_equal(weights, in_one_process(2))


def test_the_rate_begins_with_the_end_of_the_first_update() -> None:
    found = figures([1.0, 2.0, 4.0], np.ones(3, np.float32))
    assert found == {"steps_per_second": 2 * 2048 / 3.0, "sum_of_weights": 3.0}


def test_lines_are_those_of_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "some.py").write_text(TEXT)
    monkeypatch.setattr(by_hand, "__file__", str(tmp_path / "by_hand.py"))
    assert lines("some") == 7


def test_the_readme_tells_the_lines_of_both_sides() -> None:
    sentence = f"is {lines(FILES[RAY])} lines of code on Ray actors and {lines(FILES[OURS])} on reactors"
    assert sentence in (ROOT / "README.md").read_text()
