"""Joint steps of several agents: all do the same, and what is demanded of what was measured."""

from __future__ import annotations

import numpy as np

from bench.contestants.inference import FEATURES, Policy, World
from bench.contestants.rlreactor_inference import JointInference, measure
from bench.measure import Rounds
from bench.multi_agent import OURS, SEQUENTIAL, compared, reasons, setting, targets
from rlreactor import TICK, run

MEASURED = Rounds(
    {
        setting(10) + SEQUENTIAL: [{"us": 240.0}],
        setting(10) + OURS[0]: [{"us": 200.0, "waited": 0.25}],
        setting(10) + OURS[1]: [{"us": 250.0, "waited": 0.0}],
        setting(10) + "Ray": [{"us": 2400.0}],
    },
    {setting(10) + "Ray Compiled Graph": "gone"},
    [0.5],
)


def test_agents_are_heard_and_the_world_moves_on() -> None:
    topology = JointInference(agents=3)
    result = run(topology, workers=1, timeout=2 * TICK, trace=True)
    world, policies = World(3), [Policy(agent) for agent in range(3)]
    for tick in range(3):
        shown, *chosen = [value for tag, _, value in result.trace if tag.time == tick * TICK]
        np.testing.assert_array_equal(shown, world.observations)
        actions = [policy.act(seen) for policy, seen in zip(policies, world.observations, strict=True)]
        assert chosen == actions
        world.step(actions)


def test_what_agents_do_changes_two_rows() -> None:
    world = World(3)
    before = world.observations.copy()
    world.step([0, 0, 0])
    assert world.observations.shape == (3, FEATURES)
    gained = world.observations - before * np.float32(0.9)
    assert np.isclose(gained.sum(), 0.6)
    np.testing.assert_allclose(gained[:, [0, 5]], 0.1, atol=1e-6)


def test_ours_reports_its_time() -> None:
    found = measure(agents=2, steps=10, workers=1)
    assert found["us"] > 0
    assert found["waited"] == 0.0


def test_the_better_of_ours_is_compared_and_who_is_missing_is_not() -> None:
    assert {name: found["median"] for name, found in compared(MEASURED, 10).items()} == {SEQUENTIAL: 1.2, "Ray": 12.0}
    assert {name: target.holds for name, target in targets(MEASURED, 10).items()} == {"Ray": False, SEQUENTIAL: False}


def test_misses_are_explained() -> None:
    found = reasons(MEASURED, 10)
    assert "10.0 (10.0-10.0) times as fast" in found[setting(10) + "Ray"]
    assert "wait 0.25 (0.25-0.25) of their time" in found[setting(10) + SEQUENTIAL]
