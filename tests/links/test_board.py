"""Who waits for whom, as the board tells it."""

from __future__ import annotations

import mmap
from collections.abc import Collection, Mapping

import pytest

from rlreactor.links.board import Board


@pytest.mark.parametrize(
    ("waits", "in_circle"),
    [
        ({}, False),
        ({0: [1], 1: [2]}, False),
        ({0: [1, 2], 1: [2], 2: [3]}, False),
        ({0: [1], 1: [0]}, True),
        ({0: [1], 1: [2], 2: [0]}, True),
        ({0: [1], 1: [1]}, True),  # it has failed
        ({0: [1], 1: [2], 2: [1]}, True),  # though worker 0 is not in it
        ({0: [1, 3], 1: [2], 2: [1]}, True),
        ({0: [3], 1: [2], 2: [1]}, False),  # it waits for another
        ({1: [2], 2: [1]}, False),
    ],
    ids=str,
)
def test_who_waits_for_a_circle_is_told(waits: Mapping[int, Collection[int]], in_circle: bool) -> None:
    workers = 4
    mapping = mmap.mmap(-1, Board.size(workers))
    boards = [Board(mapping, 0, workers, me) for me in range(workers)]
    for worker, others in waits.items():
        boards[worker].set_waiting(set(others))
    assert boards[0].waits_in_circle() == in_circle
