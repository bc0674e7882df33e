"""Joint steps of several agents: all do the same, and what is demanded of what was measured."""

from __future__ import annotations

import numpy as np
import pytest

from bench.contestants.inference import WORLDS, Policy, Synthetic
from bench.contestants.rlreactor_inference import JointInference, measure
from bench.contestants.spread import Spread
from bench.measure import Rounds
from bench.multi_agent import OURS, SEQUENTIAL, Game, compared, reasons, targets
from rlreactor import TICK, run

TEN = Game(10)
MEASURED = Rounds(
    {
        TEN.prefix + SEQUENTIAL: [{"us": 240.0}],
        TEN.prefix + OURS[0]: [{"us": 200.0, "waited": 0.25}],
        TEN.prefix + OURS[1]: [{"us": 250.0, "waited": 0.0}],
        TEN.prefix + "Ray": [{"us": 2400.0}],
    },
    {TEN.prefix + "Ray Compiled Graph": "gone"},
    [0.5],
)


@pytest.mark.parametrize("kind", WORLDS)
def test_agents_are_heard_and_the_world_moves_on(kind: str) -> None:
    result = run(JointInference(agents=3, kind=kind), workers=1, timeout=30 * TICK, trace=True)
    shown = {tag.time: value for tag, path, value in result.trace if path == "surroundings.seen"}
    chosen = {(tag.time, path): value for tag, path, value in result.trace if path.endswith("action")}
    world, features = WORLDS[kind](3), WORLDS[kind].features(3)
    policies = [Policy(agent, features) for agent in range(3)]
    for tick in range(31):  # an episode of simple_spread has 25 steps
        np.testing.assert_array_equal(shown[tick], world.observations)
        actions = [policy.act(seen) for policy, seen in zip(policies, world.observations, strict=True)]
        assert [chosen[tick, f"bank[{agent}].action"] for agent in range(3)] == actions
        world.step(actions)


def test_what_agents_do_changes_two_rows() -> None:
    world = Synthetic(3)
    before = world.observations.copy()
    world.step([0, 0, 0])
    gained = world.observations - before * np.float32(0.9)
    assert np.isclose(gained.sum(), 0.6)
    np.testing.assert_allclose(gained[:, [0, 5]], 0.1, atol=1e-6)


def test_an_agent_that_pushes_gets_faster_and_nobody_else_does() -> None:
    world = Spread(3)
    before = world.observations.copy()
    world.step([1, 0, 0])
    faster = np.abs(world.observations - before)[:, :2].sum(1)  # its own speed
    assert faster[0] > 0
    assert faster[1:].max() == 0


def test_ours_reports_its_time() -> None:
    found = measure(JointInference(agents=2), steps=10, workers=1)
    assert found["us"] > 0
    assert found["waited"] == 0.0


def test_the_better_of_ours_is_compared_and_who_is_missing_is_not() -> None:
    assert {name: found["median"] for name, found in compared(MEASURED, TEN).items()} == {SEQUENTIAL: 1.2, "Ray": 12.0}
    assert {name: target.holds for name, target in targets(MEASURED, TEN).items()} == {"Ray": False, SEQUENTIAL: False}


def test_misses_are_explained() -> None:
    found = reasons(MEASURED, TEN)
    assert "10.0 (10.0-10.0) times as fast" in found[TEN.prefix + "Ray"]
    assert "wait 0.25 (0.25-0.25) of their time" in found[TEN.prefix + SEQUENTIAL]


def test_nothing_is_demanded_where_the_world_takes_the_time() -> None:
    game = Game(10, "simple_spread")
    measured = Rounds({game.prefix + name: [{"us": 1.0}] for name in (SEQUENTIAL, OURS[0], "Ray")})
    assert (set(compared(measured, game)), targets(measured, game)) == ({SEQUENTIAL, "Ray"}, {})
