"""Lock-step and rings: which group steps at which tick, and the same bits on any placement."""

from __future__ import annotations

from typing import Any

import pytest

from rlreactor import TICK, Result, TopologyError, check, plan, run
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.planner.flows import flows
from rlreactor.planner.phases import phases
from rlreactor.reactors.environment_spec import EnvironmentSpec, describe
from rlreactor.topologies.lock_step import LockStep

from ..placements import run_everywhere

LEDGER = EnvironmentSpec(id=f"{__name__.rpartition('.')[0]}.ledger:Ledger-v0", options={"length": 2})
CART_POLE = EnvironmentSpec(id="CartPole-v1")


def lock_step(environment: EnvironmentSpec, **options: Any) -> LockStep:
    return LockStep(environment=environment, description=describe(environment), **options)


def told(result: Result) -> list[tuple[int, str, Any]]:
    """Time in ticks, path and value of every event; of observations the first environment's, and its end."""
    return [
        (
            event.tag.time // TICK,
            event.path,
            event.value.ravel().tolist()
            if event.path.startswith("drivers")
            else (event.value.observations[0].tolist(), int(event.value.ended[0])),
        )
        for event in result.trace
    ]


def test_a_round_is_a_tick() -> None:
    topology = lock_step(LEDGER, crews=2)
    result = run_everywhere(topology, workers=(2, 3), timeout=3 * TICK)
    shown = [([0, 0], 0), ([1, 1], 0), ([0, 0], 1)]  # the episode ended with its second step, and the next one began
    assert told(result) == [
        event
        for tick, show in enumerate(shown, 1)
        for event in [
            (tick, "actors[0].observed[0]", show),
            (tick, "actors[1].observed[0]", show),
            (tick, "drivers[0].actions", [1, 1]),
        ]
    ]
    assert result.state("actors[0]") == {"steps": 2, "turn": 0}


def test_groups_of_a_ring_take_turns() -> None:
    """Group g steps at the ticks 1 + g + 3n; its driver answers one tick later, and that travels for two."""
    topology = lock_step(LEDGER, crews=1, ring=3)
    result = run_everywhere(topology, workers=(2, 3, 4), timeout=7 * TICK)
    shown = [([0, 0], 0), ([1, 1], 0), ([0, 0], 1)]
    steps = [(tick, f"actors[0].observed[{(tick - 1) % 3}]", shown[(tick - 1) // 3]) for tick in range(1, 8)]
    answers = [(tick, f"drivers[{(tick - 2) % 3}].actions", [1]) for tick in range(2, 8)]
    assert sorted(told(result), key=str) == sorted([*steps, *answers], key=str)
    assert result.state("actors[0]") == {"steps": 4, "turn": 1}


@pytest.mark.parametrize(("ring", "crew"), [(1, 1), (2, 1), (4, 1), (1, 3), (2, 3)])
def test_same_bits_on_any_number_of_workers(ring: int, crew: int) -> None:
    topology = lock_step(CART_POLE, crews=4, crew=crew, environments=3, ring=ring)
    found = {run(topology, workers=workers, timeout=topology.ticks(40), seed=7).fingerprint for workers in (1, 2, 3, 5)}
    assert len(found) == 1
    assert run(topology, workers=2, timeout=topology.ticks(40), seed=8).fingerprint not in found


def test_a_policy_drives_too() -> None:
    policy = PolicySpec(**dict(describe(CART_POLE)))
    topology = lock_step(CART_POLE, crews=3, environments=2, ring=2, policy=policy)
    results = [run(topology, workers=workers, timeout=topology.ticks(30), seed=1) for workers in (1, 2, 3, 5)]
    assert len({result.fingerprint for result in results}) == 1
    assert results[0].state("actors[2]")["steps"] == 2 * 2 * 30
    assert results[0].state("drivers[0]")["rounds"] == 31


def test_policies_act_on_what_they_are_shown() -> None:
    """Every driver's action is the one that its policy chooses for the observations of the same tick."""
    policy = PolicySpec(**dict(describe(CART_POLE)))
    runs = [
        run(lock_step(CART_POLE, crews=crews, policy=policy), workers=1, timeout=20 * TICK, trace=True, seed=3)
        for crews in (1, 2)
    ]
    first = [event.value.ravel().tolist() for event in runs[1].trace if event.path == "drivers[0].actions"]
    assert {len(actions) for actions in first} == {2}
    assert {action for actions in first for action in actions} == {0, 1}


def test_frames_travel_in_slots() -> None:
    pong = EnvironmentSpec(id="ALE/Pong-v5", options={"obs_type": "rgb"})
    topology = lock_step(pong, crews=2, ring=2)
    assert {
        (e.carrier, e.message_bytes > 100_000) for e in plan(topology, workers=3).edges if "observed" in e.source
    } == {("slots", True)}
    found = {run(topology, workers=workers, timeout=topology.ticks(5)).fingerprint for workers in (1, 2, 3)}
    assert len(found) == 1


def test_the_planner_knows_that_rings_overlap() -> None:
    def turns(ring: int) -> int:
        graph = check(lock_step(CART_POLE, crews=2, ring=ring))
        return len({phase for own in phases(graph, flows(graph)).values() for phase in own})

    assert turns(1) > 1  # steppers and driver take turns
    assert turns(4) == 1


def test_a_crew_stays_together_and_sends_one_message() -> None:
    topology = lock_step(CART_POLE, crews=2, crew=4, ring=2)
    placed = plan(topology, workers=4)
    for crew in range(2):
        members = {placed.worker_of(f"actors[{crew * 4 + member}]") for member in range(4)}
        assert len(members | {placed.worker_of(f"gathers[{crew * 2 + group}]") for group in range(2)}) == 1
    assert not [edge.source for edge in placed.edges if "observed" in edge.source]


def test_a_crew_shows_what_its_steppers_show() -> None:
    """The driver answers with the same actions, and every environment has its own."""
    policy = PolicySpec(**dict(describe(CART_POLE)))
    options: dict[str, Any] = {"environments": 2, "policy": policy}
    results = [
        run(lock_step(CART_POLE, **shape, **options), workers=1, timeout=30 * TICK, seed=3, trace=True)
        for shape in ({"crews": 6}, {"crews": 2, "crew": 3}, {"crews": 1, "crew": 6})
    ]
    kept = [
        [(e.tag, e.path, str(e.value)) for e in result.trace if not e.path.startswith("gathers")] for result in results
    ]
    assert kept[0] == kept[1] == kept[2]


@pytest.mark.parametrize(("option", "value"), [("ring", 0), ("crews", 0), ("environments", -1)])
def test_sizes_are_checked(option: str, value: int) -> None:
    with pytest.raises(TopologyError, match=f"LockStep.*{option}.*greater than 0"):
        lock_step(CART_POLE, **{option: value})
