"""Metrics: what reactions log, by path and tag."""

from __future__ import annotations

from typing import Any

import numpy as np

from rlreactor import Reactor, Tag, Timer, ms, reaction, run
from rlreactor.runtime.metrics import Metric, Series

from .placements import run_placed


class Logging(Reactor):
    factor: int = 1
    tick = Timer(0, ms(1))

    @reaction(tick)
    def work(self) -> None:
        number = self.tag.time // ms(1)
        half: Any = np.float32(0.5)
        self.log(value=self.factor * number, array=half)
        if number % 2:
            self.log(odd=True)


class Two(Reactor):
    tick = Timer(ms(1))

    def compose(self) -> None:
        self.one = Logging()
        self.bank = [Logging(factor=10)]

    @reaction(tick)
    def work(self) -> None:
        self.log(own=1.5)


EXPECTED = {
    "one.value": [((ms(n), 0), n) for n in range(4)],
    "one.array": [((ms(n), 0), 0.5) for n in range(4)],
    "one.odd": [((ms(n), 0), True) for n in (1, 3)],
    "bank[0].value": [((ms(n), 0), 10 * n) for n in range(4)],
    "bank[0].array": [((ms(n), 0), 0.5) for n in range(4)],
    "bank[0].odd": [((ms(n), 0), True) for n in (1, 3)],
    "own": [((ms(1), 0), 1.5)],
}


def test_metrics_are_series_by_path_on_any_placement() -> None:
    for where in ({}, {"bank[0]": 1}, {"one": 1, "": 2}):
        metrics = run_placed(Two(), where, timeout=ms(3)).metrics
        assert metrics == EXPECTED
        assert all(type(tag) is Tag for series in metrics.values() for tag, _ in series)
        assert type(metrics["one.array"][0][1]) is float


def test_an_observer_hears_them_as_they_come() -> None:
    heard: list[Metric] = []
    run_placed(Two(), {"bank[0]": 1}, timeout=ms(3), observe=heard.append)
    of_one = [metric for metric in heard if metric.path == "bank[0]"]
    assert of_one == [
        metric
        for n in range(4)
        for metric in [
            Metric(Tag(ms(n), 0), "bank[0]", {"value": 10 * n, "array": 0.5}),
            *([Metric(Tag(ms(n), 0), "bank[0]", {"odd": True})] if n % 2 else []),
        ]
    ]


def test_all_of_many_arrive() -> None:
    class Often(Reactor):
        tick = Timer(0, 1)

        @reaction(tick)
        def work(self) -> None:
            self.log(n=self.tag.time)

    class Pair(Reactor):
        def compose(self) -> None:
            self.one = Often()
            self.other = Often()

    metrics = run_placed(Pair(), {"other": 1}, timeout=5000).metrics
    for path in ("one.n", "other.n"):
        assert metrics[path] == [((n, 0), n) for n in range(5001)]


def test_a_long_series_is_thinned_evenly() -> None:
    series = Series()
    for n in range(200_000):
        series.add(Tag(n, 0), n)
    assert len(series) < 1 << 16
    assert series == [((n, 0), n) for n in range(0, 200_000, 4)]


def test_a_run_without_metrics_has_none() -> None:
    class Quiet(Reactor):
        pass

    assert run(Quiet(), workers=1).metrics == {}
