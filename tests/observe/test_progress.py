"""The line that says how far training is."""

from __future__ import annotations

import io
import math

import pytest

from rlreactor import Tag
from rlreactor.observe.progress import LiveLine, PlainLines, Silence, progress, status_text
from rlreactor.observe.throughput import Throughput
from rlreactor.runtime.metrics import Metric


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


def learnt(steps: int, mean_return: float = math.nan) -> Metric:
    return Metric(Tag(steps, 0), "learner", {"env_steps": steps, "mean_return": mean_return})


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ((40_960, 100_000, 21_300.4, 132.44), "40,960 of 100,000 steps · 21,300 steps/s · return 132.4 · 3 s left"),
        ((10, 100_000, 10.0, math.nan), "10 of 100,000 steps · 10 steps/s · 2 h 46 min left"),
        ((10, 10_000, 10.0, 1.0), "10 of 10,000 steps · 10 steps/s · return 1.0 · 16 min 39 s left"),
        ((10, 10, 10.0, 1.0), "10 of 10 steps · 10 steps/s · return 1.0 · evaluating"),
        ((10, 100, 0.0, 1.0), "10 of 100 steps · return 1.0"),
    ],
)
def test_text(figures: tuple[int, int, float, float], expected: str) -> None:
    assert status_text(*figures) == expected


def test_plain_lines_come_every_two_seconds() -> None:
    stream, clock = io.StringIO(), Clock()
    lines = PlainLines(stream, 1000, clock)
    for second in range(1, 6):
        clock.now = 100.0 + second
        lines(learnt(second * 100, 7.0))
    assert [line.partition(" of")[0] for line in stream.getvalue().splitlines()] == ["200", "400"]


def test_other_metrics_change_nothing() -> None:
    stream, clock = io.StringIO(), Clock()
    lines = PlainLines(stream, 1000, clock)
    clock.now += 10
    lines(Metric(Tag(0, 0), "judges[0]", {"eval_return": 1.0}))
    assert stream.getvalue() == ""


def test_live_line_is_removed_at_the_end() -> None:
    stream = Terminal()
    line = progress(stream, 1000)
    assert isinstance(line, LiveLine)
    assert stream.getvalue() == ""
    line(learnt(500, 3.0))
    assert "500 of 1,000 steps" in stream.getvalue()
    line.close()
    assert stream.getvalue().rpartition("\n")[2].endswith("\x1b[2K")


def test_choice() -> None:
    assert isinstance(progress(io.StringIO(), 1), PlainLines)
    assert isinstance(progress(Terminal(), 1, quiet=True), Silence)


def test_throughput_ignores_what_waited_for_the_end() -> None:
    clock = Clock()
    throughput = Throughput(clock)
    for now, steps in ((103.0, 100), (104.0, 150), (104.001, 200), (105.0, 300), (109.0, 350)):
        clock.now = now
        throughput.add(steps)
    assert throughput.steps_per_second == pytest.approx((300 - 100) / (105 - 103))


def test_throughput_of_a_short_run_counts_from_its_start() -> None:
    clock = Clock()
    throughput = Throughput(clock)
    assert throughput.steps_per_second == 0
    clock.now = 104.0
    throughput.add(100)
    assert throughput.steps_per_second == 25


def test_throughput_of_a_run_that_goes_on_leaves_aside_what_was_done_before() -> None:
    clock = Clock()
    throughput = Throughput(clock, done=1000)
    clock.now = 104.0
    throughput.add(1100)
    assert throughput.steps_per_second == 25
