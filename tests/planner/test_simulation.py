"""Machines in words, and topologies played on them."""

from __future__ import annotations

import pytest

from rlreactor import PlanError, check
from rlreactor.planner.cluster import ASSUMED, machine_of
from rlreactor.planner.machine import Machine, Network
from rlreactor.planner.profile import EngineCosts, MemoryProfile
from rlreactor.planner.simulation import simulate

from .profiles import made_up
from .topologies import Lagging

COSTS = {"actors[].collect": 2.0, "learner.learn": 3.0}


@pytest.mark.parametrize(
    ("text", "machine"),
    [
        ("64 cores", Machine.made_up(64, memory=256 << 30)),
        ("1 core, 8 GiB", Machine.made_up(1, memory=8 << 30)),
        ("100 hosts x 64 cores", Machine.made_up(64, memory=256 << 30, hosts=100, network=ASSUMED)),
        (
            "4 hosts × 8 cores, 2 GPUs, 64 GiB, 25 Gbit/s, 20 us",
            Machine.made_up(8, memory=64 << 30, gpus=2, hosts=4, network=Network(bandwidth=25e9 / 8, latency=20e-6)),
        ),
    ],
)
def test_machines_in_words(text: str, machine: Machine) -> None:
    found = machine_of(text)
    assert found.model_copy(update={"network": None}) == machine.model_copy(update={"network": None})
    if machine.network is not None:
        assert found.network is not None
        assert found.network.model_dump() == pytest.approx(machine.network.model_dump())


@pytest.mark.parametrize("text", ["", "many cores", "0 cores", "0 hosts x 4 cores", "4 cores, 3 bananas", "4 cores, x"])
def test_what_is_no_machine(text: str) -> None:
    with pytest.raises(PlanError, match=r"a machine cannot be made of .*; expected cores first, '64 cores' or"):
        machine_of(text)


def test_every_host_has_its_own_cores() -> None:
    machine = machine_of("3 hosts x 2 cores, 1 GPU")
    assert [(core.id, core.host) for core in machine.cores] == [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (5, 2)]
    assert len(machine.gpus) == 3


def test_a_hundred_hosts_are_filled_by_a_larger_bank() -> None:
    known = made_up(check(Lagging(rollouts=2, ahead=1)), COSTS)
    found = simulate(check(Lagging(rollouts=799, ahead=1)), known, machine_of("100 hosts x 8 cores"))
    assert (found.reactors, found.workers) == (802, 800)
    assert found.prediction.ticks_per_second == pytest.approx(1 / 3, rel=0.05)
    assert found.prediction.bottleneck[0].name == "learner.learn"
    assert found.utilisation[2] == pytest.approx(1.0, rel=0.05)
    assert "on 100 hosts x 8 cores, 10 Gbit/s and 50 µs between hosts: 802 reactors on 800 workers" in str(found)


def test_a_slow_network_is_the_bottleneck() -> None:
    size = 1 << 20  # 4 MiB a message
    known = made_up(check(Lagging(rollouts=2, size=size)), {"actors[].collect": 1e-3, "learner.learn": 1e-3})
    graph = check(Lagging(rollouts=7, size=size))
    fast = simulate(graph, known, machine_of("4 hosts x 2 cores, 100 Gbit/s, 1 us"), 8)
    slow = simulate(graph, known, machine_of("4 hosts x 2 cores, 1 Gbit/s, 1 us"), 8)
    assert slow.prediction.bottleneck[0].name == "links"
    # the learner's host takes in and sends out what belongs to the rollouts elsewhere, one after another
    assert slow.prediction.ticks_per_second < fast.prediction.ticks_per_second / 20
    assert slow.host_bytes_per_second <= 1.01e9 / 8


def test_within_a_host_nothing_crosses_the_network() -> None:
    known = made_up(check(Lagging()), COSTS)
    found = simulate(check(Lagging()), known, machine_of("4 cores"))
    assert found.host_bytes_per_second == 0
    assert "between hosts" not in str(found)


def test_too_little_memory_is_refused_with_the_numbers() -> None:
    memory = {"actors[]": MemoryProfile(shared=1 << 30, each=1 << 29)}
    known = made_up(check(Lagging()), COSTS, memory=memory)
    with pytest.raises(PlanError) as error:
        simulate(check(Lagging(rollouts=4)), known, machine_of("4 cores, 2 GiB"))
    assert str(error.value) == (
        "host 0 needs 6 GiB for its workers, but has 2 GiB; take fewer workers, more memory, or more hosts"
    )


def test_ten_thousand_cores_within_seconds() -> None:
    engine = EngineCosts(passing=1e-5, waiting=5e-5, notice=0, message=3e-6, spinning=3e-5, sleeping=8e-5, shared=9e-5)
    known = made_up(check(Lagging(ahead=1)), {"actors[].collect": 0.02, "learner.learn": 0.05}, engine=engine)
    found = simulate(check(Lagging(rollouts=2000, ahead=1)), known, machine_of("156 hosts x 64 cores"))
    assert found.workers == 2002
