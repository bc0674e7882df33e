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

    works: tuple[int, ...] = (3000, 300, 300, 300)

    def compose(self) -> None:
        self.busy = [Busy(work=work) for work in self.works]
        self.sinks = [Sink() for _ in self.busy]
        self.connect([busy.done for busy in self.busy], [sink.done for sink in self.sinks])


class Apart(Uneven):
    """The light ones and all sinks live together, and hear of the heavy one at every tag."""

    def compose(self) -> None:
        super().compose()
        self.place([*self.busy[2:], *self.sinks], with_="busy[1]")


@pytest.mark.parametrize("workers", [1, 2])
def test_costs_are_those_of_the_reactors(workers: int) -> None:
    costs = run(Uneven(), workers=workers, timeout=20, measure=True).costs
    assert set(costs) == {f"{name}[{i}]" for name in ("busy", "sinks") for i in range(4)}
    assert costs["busy[0]"] >= 3e-3
    assert costs["busy[0]"] > costs["busy[1]"] >= 3e-4
    assert costs["sinks[0]"] < costs["busy[1]"]


def test_nothing_is_measured_unless_asked() -> None:
    result = run(Uneven(), workers=1, timeout=1)
    assert result.costs == {}
    assert result.workers[0]["time"] == {}


def test_all_time_after_the_first_tag_is_accounted_for() -> None:
    (used,) = (worker["time"] for worker in run(Uneven(), workers=1, timeout=20, measure=True).workers)
    assert set(used["reactions"]) == {f"busy[{i}].compute" for i in range(4)} | {f"sinks[{i}].take" for i in range(4)}
    assert used["reactions"]["busy[0].compute"] >= 20 * 3e-3  # 21 tags without the first
    assert used["waiting"] == 0
    assert used["measuring"] > 0
    assert sum(used["reactions"].values()) + used["measuring"] <= used["seconds"]


def test_who_has_less_to_do_waits() -> None:
    result = run(Apart(works=(10_000, 0, 0, 0)), workers=2, timeout=20, measure=True)
    heavy = result.plan.worker_of("busy[0]")
    light = result.workers[1 - heavy]["time"]
    assert set(result.workers[heavy]["time"]["reactions"]) == {"busy[0].compute"}
    assert light["waiting"] > 0  # how long, depends on who else has the cores
    assert sum(light["reactions"].values()) + light["waiting"] + light["measuring"] <= light["seconds"]


def test_the_heavy_one_gets_a_worker_of_its_own() -> None:
    costs = {"busy[0]": 3e-3, **{f"busy[{i}]": 3e-4 for i in (1, 2, 3)}, **{f"sinks[{i}]": 1e-6 for i in range(4)}}
    placed = plan(Uneven(), Machine.made_up(2), workers=2, costs=costs)
    heavy = placed.worker_of("busy[0]")
    assert {placed.worker_of(f"busy[{i}]") for i in (1, 2, 3)} == {1 - heavy}
