"""Costs are measured in a run and balance the next one."""

from __future__ import annotations

import time

import pytest

from rlreactor import Input, Output, Reactor, Timer, plan, reaction, run
from rlreactor.planner.machine import Machine


class Busy(Reactor):
    """Computes for `work` microseconds of wall clock at every tag."""

    work: int
    tick = Timer(0, 1)
    done = Output(int)

    @reaction(tick, effects=[done])
    def compute(self) -> None:
        end = time.perf_counter_ns() + self.work * 1000
        while time.perf_counter_ns() < end:
            pass
        self.done.set(self.work)


class Sink(Reactor):
    done = Input(int)

    @reaction(done)
    def take(self) -> None: ...


class Uneven(Reactor):
    """One heavy reactor and three light ones."""

    def compose(self) -> None:
        self.busy = [Busy(work=work) for work in (3000, 300, 300, 300)]
        self.sinks = [Sink() for _ in self.busy]
        self.connect([busy.done for busy in self.busy], [sink.done for sink in self.sinks])


@pytest.mark.parametrize("workers", [1, 2])
def test_costs_are_those_of_the_reactors(workers: int) -> None:
    costs = run(Uneven(), workers=workers, timeout=20, measure=True).costs
    assert set(costs) == {f"{name}[{i}]" for name in ("busy", "sinks") for i in range(4)}
    assert costs["busy[0]"] >= 3e-3
    assert costs["busy[0]"] > costs["busy[1]"] >= 3e-4
    assert costs["sinks[0]"] < costs["busy[1]"]


def test_nothing_is_measured_unless_asked() -> None:
    assert run(Uneven(), workers=1, timeout=1).costs == {}


def test_the_heavy_one_gets_a_worker_of_its_own() -> None:
    costs = {"busy[0]": 3e-3, **{f"busy[{i}]": 3e-4 for i in (1, 2, 3)}, **{f"sinks[{i}]": 1e-6 for i in range(4)}}
    placed = plan(Uneven(), Machine.made_up(2), workers=2, costs=costs)
    heavy = placed.worker_of("busy[0]")
    assert {placed.worker_of(f"busy[{i}]") for i in (1, 2, 3)} == {1 - heavy}
