"""Every script about messages in its quick form: whom it measures and what it demands. How fast is never tested."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from bench import broadcast, large_messages, memory_slope, object_size, pacing, round_trip, secure_edge, sparse, tag
from bench.contestants import bare_broadcast, rlreactor_broadcast, rlreactor_stream
from bench.contestants.bare_round_trip import MEANS
from bench.contestants.bare_zmq import ALONE, ALONE_WITH_KEYS
from bench.contestants.rlreactor_edge import OURS, OURS_WITH_KEYS
from bench.contestants.rlreactor_round_trip import FORMS, PLACEMENTS, WithinTag
from bench.contestants.times import percentiles
from bench.measure import Rounds
from bench.memory_slope import Look, growth
from rlreactor import plan

Quick = Callable[..., dict[str, Any]]
two_cores = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores to spin on")


def names(written: dict[str, Any]) -> list[str]:
    """Who was measured; nobody may be missing."""
    assert written["measured"]["missing"] == {}
    return list(written["measured"]["contestants"])


def thresholds(written: dict[str, Any]) -> list[float]:
    return [target["threshold"] for target in written["targets"]]


def test_tag(quick: Quick) -> None:
    written = quick(tag.main, "--rounds", 2, "--tags", 100, "--ours")
    assert names(written) == [tag.OURS, tag.PLAIN, tag.BARE]
    assert thresholds(written) == [1.3]
    assert len(written["measured"]["contestants"][tag.OURS]["us"]["rounds"]) == 2


@two_cores
def test_round_trip(quick: Quick) -> None:
    pytest.importorskip("zmq")
    written = quick(round_trip.main, "--rounds", 1, "--trips", 50, "--ours")
    assert names(written) == [*round_trip.OURS, *MEANS]
    assert thresholds(written) == [4.0, 4.0, 25.0, 25.0, 25.0, 25.0, 25.0]


def test_large_messages(quick: Quick) -> None:
    written = quick(large_messages.main, "--rounds", 1, "--messages", 5, "--bytes", 1000, 1_000_000)
    assert names(written) == [
        large_messages.row(nbytes, form)
        for nbytes in (1000, 1_000_000)
        for form in ("written in place", "copied in", "memcpy")
    ]
    assert thresholds(written) == [25.0, 1.2]


@pytest.mark.timeout(60)
def test_secure_edge(quick: Quick) -> None:
    written = quick(secure_edge.main, "--rounds", 1, "--messages", 5, "--bytes", 100_000)
    assert sorted(names(written)) == sorted([OURS, OURS_WITH_KEYS, ALONE, ALONE_WITH_KEYS])
    assert thresholds(written) == [secure_edge.SHARE]


def test_broadcast(quick: Quick) -> None:
    written = quick(
        broadcast.main, "--rounds", 1, "--times", 2, "--bytes", 80_000, "--clients", 2, 3, "--ours"
    )  # fmt: skip
    copies = [broadcast.setting(n, 80_000) + name for n in (2, 3) for name in (broadcast.OURS, broadcast.COPIES)]
    assert names(written) == ["2 readers", "4 readers", "8 readers", "16 readers", *copies]
    assert thresholds(written) == [1.3, 1.4, 1.4]


def test_object_size(quick: Quick) -> None:
    written = quick(object_size.main, "--rounds", 1, "--times", 2, "--largest", 1000, "--ours")
    prefix = broadcast.setting(16, 1000)
    assert names(written) == [prefix + broadcast.OURS, prefix + broadcast.COPIES]
    assert prefix + broadcast.COPIES in written["measured"]["times the cost of"][prefix + broadcast.OURS]


def test_memory_slope(quick: Quick) -> None:
    written = quick(memory_slope.main, "--messages", 900)
    assert list(written["measured"]) == list(memory_slope.FORMS)
    assert [form["workers"] for form in written["measured"].values()] == [1, 2]
    assert [form["messages"] for form in written["measured"].values()] == [900, 900]
    assert thresholds(written) == [1.0, 1.0]


def test_sparse(quick: Quick) -> None:
    written = quick(sparse.main, "--rounds", 1, "--tags", 1000, "--every", 100)
    assert names(written) == [sparse.SELDOM, sparse.NEVER, sparse.APART]
    assert thresholds(written) == [1.5]


def test_pacing(quick: Quick) -> None:
    written = quick(pacing.main, "--rounds", 1, "--seconds", 0.05, "--events", 20)
    assert names(written) == [pacing.TIMER, pacing.ALONE, pacing.AMONG_TWO, pacing.NEXT_DOOR]
    assert thresholds(written) == [1000.0, 150.0, 2000.0, 150.0, 2000.0]


def test_the_paper_s_form_takes_the_sleep_off(quick: Quick) -> None:
    written = quick(
        broadcast.main, "--rounds", 1, "--times", 1, "--bytes", 80_000, "--clients", 2, "--sleep", 0.5, "--ours"
    )  # fmt: skip
    ours = written["measured"]["contestants"][broadcast.setting(2, 80_000, 0.5) + broadcast.OURS]
    assert 0 < ours["ms"]["median"] < 500
    assert thresholds(written) == [1.3]  # the copies alone do not sleep, so nothing is demanded of their ratio


@pytest.mark.parametrize(
    ("clients", "demanded"),
    [(16, [(1.4, 1.25, True), (5.0, 8.0, True), (3.0, 2.0, False)]), (4, [(1.4, 1.25, True), (1.5, 1.2, False)])],
)
def test_a_broadcast_is_held_against_the_copies_and_against_ray(
    clients: int, demanded: list[tuple[float, float, bool]]
) -> None:
    prefix = broadcast.setting(clients, 80)
    costs = {
        broadcast.OURS: 10.0,
        broadcast.COPIES: 8.0,
        broadcast.NAIVE: 80.0,
        broadcast.TUNED: 20.0,
        broadcast.GRAPH: 12.0,
    }
    rounds = Rounds({prefix + name: [{"ms": cost}] for name, cost in costs.items()})
    found = broadcast.times_copies(rounds, prefix) + broadcast.times_faster(rounds, clients, 80)
    assert [(target.threshold, target.measured, target.holds) for target in found] == demanded
    (reason,) = broadcast.reasons(rounds, clients, 80).values()
    assert reason.endswith("are 1.5 times as fast" if clients == 4 else "are 2.5 times as fast")


def test_growth_is_the_slope_of_the_second_half_over_all_messages() -> None:
    warming = [Look(count, 10.0 * count, 2) for count in range(4)]
    steady = [Look(count, 40.0 + 0.5 * count, 2) for count in range(4, 8)]
    assert growth([*warming, *steady], 10) == 5.0
    assert growth([], 10) == 0.0


def test_percentiles_leave_the_first_tenth_out() -> None:
    assert percentiles([9_000_000] * 10 + [1000] * 45 + [3000] * 45) == {"p50_us": 2.0, "p99_us": 3.0}


@two_cores
def test_placements_spin_only_where_cores_are_not_shared() -> None:
    topology = WithinTag()
    cores = {name: [worker.cores for worker in place(topology).workers] for name, place in PLACEMENTS.items()}
    first, second = cores["spinning"]
    assert not set(first) & set(second)
    assert cores["sharing cores"] == [tuple(sorted(first + second))] * 2
    assert cores["sharing one core"] == [first] * 2
    assert len(cores["in process"]) == 1
    assert set(FORMS) == {"one tag", "a tag a hop"}


def test_readers_are_dealt_to_both_workers_evenly() -> None:
    made = plan(rlreactor_broadcast.Reading(clients=16, length=1000), workers=2)
    readers = [sum(path.startswith("readers[") for path in worker.reactors) for worker in made.workers]
    assert readers == [8, 8]


def test_copies_are_compared_with_as_many_slots_as_a_link_has() -> None:
    (edge,) = plan(rlreactor_stream.Stream(nbytes=1_000_000, copied=True), workers=2).edges
    assert rlreactor_stream.slots(1_000_000) == edge.slots == bare_broadcast.SLOTS
    assert rlreactor_stream.slots(1000) == 0
