"""Runs in processes of their own, ended with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from .. import placements
from .processes import Run

Start = Callable[..., Run]


@pytest.fixture(params=placements.CARRIERS)
def each_carrier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between all workers of the plans that `placements` makes, each in turn."""
    monkeypatch.setattr(placements, "carrier", request.param)


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a run in a process of its own."""
    runs: list[Run] = []

    def begin(body: Callable[[int], str], *, group: bool = False) -> Run:
        runs.append(Run(body, group=group))
        return runs[-1]

    yield begin
    for run in runs:
        run.end()
