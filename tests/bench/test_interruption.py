"""Ctrl-C among rounds, and the end of the time."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from bench import measure
from bench.interruption import DEADLINE, Interruption, deaf
from bench.measure import Contestant, Figures, interleave


@pytest.fixture
def interruption(monkeypatch: pytest.MonkeyPatch) -> Iterator[Interruption]:
    """As in a process that has just been started."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    fresh = Interruption()
    monkeypatch.setattr(measure, "INTERRUPTION", fresh)
    monkeypatch.delenv(DEADLINE, raising=False)
    yield fresh
    signal.signal(signal.SIGINT, before)


def counting(name: str, interrupted_at: int = 0) -> Contestant:
    """Somebody whose n-th run measures n; one of them is interrupted."""
    runs = 0

    def run() -> Figures:
        nonlocal runs
        runs += 1
        if runs == interrupted_at:
            signal.raise_signal(signal.SIGINT)
        return {"us": float(runs)}

    return Contestant(name, run)


def test_finished_rounds_are_kept(interruption: Interruption) -> None:
    rounds = interleave([counting("a"), counting("b", interrupted_at=3)], 5)
    assert interruption.where == "in round 3 of 5"
    assert (rounds.of("a", "us"), rounds.of("b", "us")) == ([1.0, 2.0], [1.0, 2.0])
    assert rounds.missing == {}


def test_more_of_the_same_is_not_heard(interruption: Interruption) -> None:
    interleave([counting("a", interrupted_at=2)], 5)
    signal.raise_signal(signal.SIGINT)
    assert interruption.where == "in round 2 of 5"


def test_writing_is_not_interrupted(interruption: Interruption) -> None:
    with deaf():
        signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_what_follows_is_not_measured(interruption: Interruption) -> None:
    interleave([counting("a", interrupted_at=2)], 5)
    later = interleave([counting("c"), counting("d")], 5)
    assert later.figures == {}
    assert later.missing == dict.fromkeys("cd", "interrupted before its turn")


def test_in_a_later_setting_those_who_had_their_turn_count(interruption: Interruption) -> None:
    interleave([counting("a")], 1)
    rounds = interleave([counting("c"), counting("d", interrupted_at=1)], 5)
    assert rounds.of("c", "us") == [1.0]
    assert rounds.missing == {"d": "interrupted before its turn"}


def test_in_the_first_round_there_is_nothing_to_keep(interruption: Interruption) -> None:
    with pytest.raises(SystemExit, match=r"^interrupted before the first round was finished; nothing is written$"):
        interleave([counting("a"), counting("b", interrupted_at=1)], 5)


def test_when_the_time_is_over_those_who_had_their_turn_count(
    interruption: Interruption, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DEADLINE, "0")
    rounds = interleave([counting("a"), counting("b", interrupted_at=1)], 5)
    assert interruption.where == "in round 1 of 5, when its time was over"
    assert rounds.of("a", "us") == [1.0]
    assert rounds.missing == {"b": "interrupted before its turn"}


def test_when_the_time_is_over_before_any_turn_there_is_nothing(
    interruption: Interruption, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DEADLINE, "0")
    with pytest.raises(SystemExit):
        interleave([counting("a", interrupted_at=1)], 5)
