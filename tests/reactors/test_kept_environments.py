"""Kept environments: others are brought to where they are, and go on from there with the same bits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rlreactor.algos.policy_spec import DiscreteAction
from rlreactor.codec import pack, unpack
from rlreactor.reactors.environment_spec import EnvironmentDescription, EnvironmentProblem, EnvironmentSpec
from rlreactor.reactors.environments import Environments, make_environments

OWN = f"{__name__.rpartition('.')[0]}.own_environments"
COUNT = 3
STEPS = 260
STICKY = {"frameskip": (2, 6), "max_num_frames_per_episode": 240}  # of an emulator: a limit after about 60 steps
KINDS = {
    "CartPole": EnvironmentSpec(id="CartPole-v1", options={"max_episode_steps": 30}),
    "Pendulum": EnvironmentSpec(id="Pendulum-v1", options={"max_episode_steps": 100}),
    "LunarLander": EnvironmentSpec(id="LunarLander-v3", options={"max_episode_steps": 90, "enable_wind": True}),
    "continuous LunarLander": EnvironmentSpec(id="LunarLander-v3", options={"continuous": True}),
    "BipedalWalker": EnvironmentSpec(id="BipedalWalker-v3", options={"max_episode_steps": 100}),
    "Pong's memory": EnvironmentSpec(id="ALE/Pong-v5", options={"obs_type": "ram", **STICKY}),
    "Breakout's frames": EnvironmentSpec(id="ALE/Breakout-v5", options={"obs_type": "grayscale", **STICKY}),
    "vector Breakout": EnvironmentSpec(
        id="ALE/Breakout-v5", options={"repeat_action_probability": 0.25, "max_num_frames_per_episode": 240}
    ),
    "a diary": EnvironmentSpec(id=f"{OWN}:Diary-v0", options={"length": 30}),
    "EnvPool's CartPole": EnvironmentSpec(id="envpool:CartPole-v1", options={"max_episode_steps": 30}),
    "EnvPool's Pong": EnvironmentSpec(id="envpool:Pong-v5", options={"max_episode_steps": 60}),
}
NEEDS = {"LunarLander": "Box2D", "BipedalWalker": "Box2D", "ALE/": "ale_py", "envpool:": "envpool"}
MOMENTS = (0, 1, 17, 29, 30, 31, 59, 60, 61, 101, 187)
"""Steps made when a snapshot is taken: just after the first reset, around limits, in the middle."""
SLOW_MOMENTS = (0, 60, 187)
"""Of emulators."""


def needed(kind: EnvironmentSpec) -> EnvironmentSpec:
    """The same; skips where a package is missing."""
    for name, module in NEEDS.items():
        if name in kind.id:
            pytest.importorskip(module)
    return kind


def script(description: EnvironmentDescription) -> NDArray[Any]:
    """Actions at random, [STEPS, COUNT, ...]."""
    rng, action = np.random.default_rng(7), description.action
    if isinstance(action, DiscreteAction):
        return rng.integers(action.start, action.start + action.n, size=(STEPS, COUNT))
    return rng.uniform(-1, 1, (STEPS, COUNT, *action.shape)).astype(np.float32)


def made(kind: EnvironmentSpec, *, kept: bool = True) -> Environments:
    return make_environments(kind, COUNT, kept=kept)


def first(environments: Environments) -> None:
    shape = (COUNT, *environments.description.observation_shape)
    environments.reset([11, 12, 13], np.empty(shape, environments.description.observation_dtype))


def steps(environments: Environments, actions: NDArray[Any]) -> Iterator[bytes]:
    """Everything that each step says. Memory is written over afterwards, as that of a message is."""
    shape = (COUNT, *environments.description.observation_shape)
    for row in actions:
        observations = np.empty(shape, environments.description.observation_dtype)
        rewards, ended = np.empty(COUNT, np.float32), np.empty(COUNT, np.uint8)
        given = row.copy()
        final = environments.step(given, observations, rewards, ended)
        yield pack([observations, rewards, ended, final])
        for array in (given, observations):
            array.fill(1)


class History:
    """A run of STEPS steps, and snapshots on the way."""

    def __init__(self, kind: EnvironmentSpec) -> None:
        self.kind = kind
        moments = SLOW_MOMENTS if "Pong" in kind.id or "ALE/" in kind.id else MOMENTS
        environments = made(kind)
        self.actions = script(environments.description)
        first(environments)
        self.saved = {0: pack(environments.to_snapshot())}
        self.said: list[bytes] = []
        for step, said in enumerate(steps(environments, self.actions), 1):
            self.said.append(said)
            if step in moments:
                self.saved[step] = pack(environments.to_snapshot())
        environments.close()

    def ends(self) -> int:
        return sum(int(np.count_nonzero(unpack(said)[2])) for said in self.said)


@pytest.fixture(scope="module", params=KINDS)
def history(request: pytest.FixtureRequest) -> History:
    return History(needed(KINDS[request.param]))


def test_others_go_on_from_any_moment(history: History) -> None:
    assert history.ends() >= 2 * COUNT
    for moment, saved in history.saved.items():
        environments = made(history.kind)
        environments.from_snapshot(unpack(saved))
        assert list(steps(environments, history.actions[moment:])) == history.said[moment:], moment
        environments.close()


def test_others_remember_the_same(history: History) -> None:
    """Brought there by way of an earlier snapshot, they save what was saved without that."""
    *_, before, last = history.saved
    environments = made(history.kind)
    environments.from_snapshot(unpack(history.saved[before]))
    assert pack(environments.to_snapshot()) == history.saved[before]
    assert len(list(steps(environments, history.actions[before:last]))) == last - before
    assert pack(environments.to_snapshot()) == history.saved[last]
    environments.close()


def test_others_need_not_keep_anything(history: History) -> None:
    """A resumed run may be one without snapshots."""
    environments = made(history.kind, kept=False)
    *_, moment = history.saved
    environments.from_snapshot(unpack(history.saved[moment]))
    assert list(steps(environments, history.actions[moment:])) == history.said[moment:]
    environments.close()


def test_keeping_changes_nothing(history: History) -> None:
    environments = made(history.kind, kept=False)
    first(environments)
    assert list(steps(environments, history.actions)) == history.said
    environments.close()


@pytest.mark.parametrize("name", ["CartPole", "vector Breakout", "EnvPool's CartPole"])
def test_before_the_first_reset_there_is_nothing_to_keep(name: str) -> None:
    environments = made(needed(KINDS[name]))
    assert environments.to_snapshot() == {}
    environments.from_snapshot({})
    environments.close()


def test_actions_before_the_running_episodes_are_forgotten() -> None:
    environments = made(KINDS["CartPole"])
    first(environments)
    for _ in range(10):
        list(steps(environments, script(environments.description)))
    saved = environments.to_snapshot()
    assert len(saved["actions"]) == max(saved["lengths"]) <= 30
    assert saved["actions"].dtype == np.uint8


def test_a_snapshot_needs_what_was_kept() -> None:
    with pytest.raises(EnvironmentProblem, match=r"'CartPole-v1': what a snapshot needs of it has not been kept"):
        made(KINDS["CartPole"], kept=False).to_snapshot()


def saved_after(kind: EnvironmentSpec, actions: list[list[int]]) -> dict[str, Any]:
    environments = made(kind)
    first(environments)
    list(steps(environments, np.array(actions)))
    saved: dict[str, Any] = unpack(pack(environments.to_snapshot()))
    return saved


REFUSED = (
    r"from the same state of its np_random, the same actions did not lead to what it showed at the snapshot: it draws "
    r"random numbers from somewhere other than its np_random, or is not deterministic, so that a run with it cannot be "
    r"resumed exactly"
)


@pytest.mark.parametrize(("name", "actions"), [
    ("Dice-v0", [[0, 0, 0], [1, 4, 0]]),  # only the second throws
    ("Forgetful-v0", [[0, 0, 0]] * 5),
    ("Patience-v0", [[0, 0, 0]] * 26),  # ends too soon
])  # fmt: skip
def test_what_cannot_be_brought_back_is_refused(name: str, actions: list[list[int]]) -> None:
    kind = EnvironmentSpec(id=f"{OWN}:{name}", options={"length": 2} if name == "Forgetful-v0" else {})
    saved = saved_after(kind, actions)
    index = 1 if name == "Dice-v0" else 0
    with pytest.raises(EnvironmentProblem, match=rf"{name}', \[{index}\] of 3: {REFUSED}"):
        made(kind).from_snapshot(saved)


def test_all_actions_are_kept_where_something_may_be_carried_over() -> None:
    """Nothing is known of an environment of one's own, unless it says so itself."""
    actions = [[0, 0, 0]] * 20
    lengths = {
        name: len(saved_after(EnvironmentSpec(id=f"{OWN}:{name}", options={"length": 6}), actions)["actions"])
        for name in ("Diary-v0", "Forgetful-v0")
    }
    assert lengths == {"Diary-v0": 20, "Forgetful-v0": 2}


def test_other_actions_are_found_out() -> None:
    """Where all steps are made again, what is shown is compared as well."""
    kind = needed(KINDS["vector Breakout"])
    saved = saved_after(kind, [[0, 0, 0], [1, 1, 1], *[[0, 2, 3]] * 12])
    saved["actions"][-8:, 2] = 2
    with pytest.raises(EnvironmentProblem, match=rf"ALE/Breakout-v5', \[2\] of 3: {REFUSED}"):
        made(kind).from_snapshot(saved)
