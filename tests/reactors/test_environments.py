"""Environments side by side: what they write where, ends apart from cuts, nothing that did not happen."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import gymnasium
import numpy as np
import pytest
from numpy.typing import NDArray

from rlreactor.reactors.atari_frames import AtariFrames
from rlreactor.reactors.environment_spec import EnvironmentProblem, EnvironmentSpec, describe
from rlreactor.reactors.environments import TERMINATED, TRUNCATED, Environments, Final, make_environments

OWN = f"{__name__.rpartition('.')[0]}.own_environments"
PONG = "ALE/Pong-v5"


class Buffers(NamedTuple):
    """Where environments write."""

    observations: NDArray[Any]
    rewards: NDArray[np.float32]
    ended: NDArray[np.uint8]


def buffers(environments: Environments) -> Buffers:
    shape = (environments.count, *environments.description.observation_shape)
    observations = np.empty(shape, environments.description.observation_dtype)
    return Buffers(
        observations, np.full(environments.count, np.nan, np.float32), np.full(environments.count, 99, np.uint8)
    )


def spec(name: str, **options: Any) -> EnvironmentSpec:
    return EnvironmentSpec(id=f"{OWN}:{name}", options=options)


def test_every_environment_has_its_row() -> None:
    environments = make_environments(spec("Diary-v0"), 3)
    out = buffers(environments)
    environments.reset([0, 0, 0], out.observations)
    assert out.observations.tolist() == [[1, 0, 0]] * 3
    assert environments.step(np.array([4, 0, 2]), *out) == {}
    assert out.observations.tolist() == [[1, 1, 4], [1, 1, 0], [1, 1, 2]]
    assert out.rewards.tolist() == [4, 0, 2]
    assert out.ended.tolist() == [0, 0, 0]


def steps_of(environments: Environments, actions: list[int]) -> Iterator[tuple[Buffers, Final]]:
    out = buffers(environments)
    environments.reset([0] * environments.count, out.observations)
    for action in actions:
        yield out, environments.step(np.full(environments.count, action), *out)


@pytest.mark.parametrize(("name", "options", "end"), [
    ("Diary-v0", {"length": 3}, TERMINATED),
    ("Diary-v0", {"max_episode_steps": 3}, TRUNCATED),
    ("CutDiary-v0", {}, TRUNCATED),
    ("CutDiary-v0", {"length": 3}, TERMINATED | TRUNCATED),
])  # fmt: skip
def test_an_episode_begins_where_the_last_one_ends(name: str, options: dict[str, Any], end: int) -> None:
    environments = make_environments(spec(name, **options), 1)
    seen = [
        (out.observations[0].tolist(), int(out.ended[0]), {i: last.tolist() for i, last in final.items()})
        for out, final in steps_of(environments, [1, 1, 2, 0, 4, 1])
    ]
    assert seen == [
        ([1, 1, 1], 0, {}),
        ([1, 2, 2], 0, {}),
        ([2, 0, 0], end, {0: [1, 3, 4]}),
        ([2, 1, 0], 0, {}),
        ([2, 2, 4], 0, {}),
        ([3, 0, 0], end, {0: [2, 3, 5]}),
    ]


def test_a_limit_of_minus_one_is_none() -> None:
    environments = make_environments(spec("CutDiary-v0", max_episode_steps=-1), 1)
    assert [int(out.ended[0]) for out, _ in steps_of(environments, [0] * 5)] == [0] * 5


def reference(name: str, seed: int, actions: list[int], **options: Any) -> list[tuple[NDArray[Any], float, int]]:
    """What Gymnasium's own environment shows, with all its wrappers."""
    make = cast("Any", gymnasium.make)
    environment: Any = make(name, **options)
    shown = [(np.array(environment.reset(seed=seed)[0]), 0.0, 0)]
    for action in actions:
        observation, reward, terminated, truncated, _ = environment.step(action)
        if terminated or truncated:
            observation = environment.reset()[0]
        shown.append((np.array(observation), float(reward), TERMINATED * terminated + TRUNCATED * truncated))
    environment.close()
    return shown


@pytest.mark.parametrize(
    ("name", "options", "steps"),
    [
        ("CartPole-v1", {}, 200),
        ("CartPole-v1", {"max_episode_steps": 17}, 120),
        ("MountainCar-v0", {}, 450),
        (PONG, {"obs_type": "rgb"}, 60),
        (PONG, {"obs_type": "ram"}, 60),
        (PONG, {"obs_type": "grayscale", "max_episode_steps": 25}, 60),
    ],
)
def test_same_steps_as_gymnasium(name: str, options: dict[str, Any], steps: int) -> None:
    environments = make_environments(EnvironmentSpec(id=name, options=options), 2)
    out, rng = buffers(environments), np.random.default_rng(5)
    actions = rng.integers(2, size=(steps, 2))
    environments.reset([3, 4], out.observations)
    seen: list[Buffers] = [Buffers(out.observations.copy(), np.zeros(2, np.float32), np.zeros(2, np.uint8))]
    for row in actions:
        environments.step(row, *out)
        seen.append(Buffers(out.observations.copy(), out.rewards.copy(), out.ended.copy()))
    environments.close()
    for i, seed in enumerate((3, 4)):
        for now, (observation, reward, ended) in zip(
            seen, reference(name, seed, actions[:, i].tolist(), **options), strict=True
        ):
            np.testing.assert_array_equal(now.observations[i], observation)
            assert (now.rewards[i], now.ended[i]) == (np.float32(reward), ended)


def test_frames_are_drawn_in_place() -> None:
    environments = make_environments(EnvironmentSpec(id=PONG, options={"obs_type": "rgb"}), 2)
    assert isinstance(environments, AtariFrames)
    out = buffers(environments)
    environments.reset([0, 1], out.observations)
    for i in range(2):
        frame = environments._writer(i).frame
        assert frame.base is out.observations
        assert np.shares_memory(frame, out.observations[i])
    before = out.observations.copy()
    environments.step(np.array([2, 2]), *out)
    assert (out.observations != before).any()
    assert out.observations[0].shape == (210, 160, 3)


@pytest.mark.parametrize("obs_type", ["rgb", "grayscale", "ram"])
def test_frames_are_as_described(obs_type: str) -> None:
    shapes = {"rgb": (210, 160, 3), "grayscale": (210, 160), "ram": (128,)}
    description = describe(EnvironmentSpec(id=PONG, options={"obs_type": obs_type}))
    assert description.observation_shape == shapes[obs_type]
    assert description.observation_dtype == "uint8"


def test_the_end_of_a_game_of_frames() -> None:
    """Cut by the emulator: the last frame is kept apart, and the row has the first of the next game."""
    options = {"obs_type": "ram", "max_num_frames_per_episode": 40}
    environments = make_environments(EnvironmentSpec(id=PONG, options=options), 1)
    ends = [
        (int(out.ended[0]), [f.copy() for f in final.values()], out.observations[0].copy())
        for out, final in steps_of(environments, [2] * 25)
    ]
    cut = [end for end in ends if end[0]]
    assert [end[0] for end in cut] == [TRUNCATED, TRUNCATED]
    assert all((end[1][0] != end[2]).any() for end in cut)


@pytest.mark.parametrize(
    "kind",
    [spec("Diary-v0", length=2), EnvironmentSpec(id=PONG), EnvironmentSpec(id="envpool:CartPole-v1")],
    ids=lambda kind: kind.id.rpartition(":")[2],
)
def test_send_and_receive_are_a_step(kind: EnvironmentSpec) -> None:
    if kind.id.startswith("envpool:"):
        pytest.importorskip("envpool")
    seen: list[list[NDArray[Any]]] = []
    for whole in (True, False):
        environments = make_environments(kind, 2)
        out = buffers(environments)
        environments.reset([1, 2], out.observations)
        for action in (0, 1, 1, 0):
            if whole:
                environments.step(np.full(2, action), *out)
            else:
                environments.send(np.full(2, action))
                environments.receive(*out)
        seen.append([array.copy() for array in out])
        environments.close()
    for a, b in zip(*seen, strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_observation_of_another_shape_is_refused() -> None:
    environments = make_environments(spec("Narrow-v0"), 1)
    out = buffers(environments)
    environments.reset([0], out.observations)
    with pytest.raises(
        EnvironmentProblem, match=r"step\(\) returned an observation of shape \(1,\).*says \(3,\); mend"
    ):
        environments.step(np.zeros(1, np.int64), *out)


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "envpool", None)
    with pytest.raises(
        EnvironmentProblem, match=r"needs envpool, which is not installed: pip install 'rlreactor\[envpool\]'"
    ):
        make_environments(EnvironmentSpec(id="envpool:Pong-v5"), 1)
