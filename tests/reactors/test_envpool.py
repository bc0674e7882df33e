"""EnvPool behind the interface of all environments: its reset steps never happen, seeds are ours."""

from __future__ import annotations

import warnings
from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rlreactor.reactors.environment_spec import EnvironmentProblem, EnvironmentSpec, describe
from rlreactor.reactors.environments import TERMINATED, TRUNCATED, Final, make_environments
from rlreactor.reactors.envpool_environments import _Wires

envpool: Any = pytest.importorskip("envpool")

CART_POLE = EnvironmentSpec(id="envpool:CartPole-v1", options={"max_episode_steps": 20})
SEEDS = [11, 12, 13]
STEPS = 120
Transition = tuple[list[float], float, int]


def script() -> NDArray[np.int64]:
    """The actions of each environment, by its own count of steps: often the same, so that poles fall."""
    return (np.random.default_rng(0).random((len(SEEDS), STEPS)) < 0.3).astype(np.int64)


def ours(threads: int) -> dict[int, list[Transition]]:
    environments = make_environments(CART_POLE, len(SEEDS), threads)
    observations = np.empty((len(SEEDS), 4), np.float32)
    rewards, ended = np.empty(len(SEEDS), np.float32), np.empty(len(SEEDS), np.uint8)
    environments.reset(SEEDS, observations)
    seen: dict[int, list[Transition]] = defaultdict(list)
    for actions in script().T:
        final = environments.step(actions, observations, rewards, ended)
        for i in range(len(SEEDS)):
            last = final[i] if i in final else observations[i]
            seen[i].append((last.tolist(), float(rewards[i]), int(ended[i])))
    environments.close()
    return seen


def pool_of(seeds: list[int]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of bounds that it gives as float64
        pool = envpool.make(
            "CartPole-v1", env_type="gymnasium", num_envs=len(seeds), num_threads=1, seed=seeds, max_episode_steps=20
        )
        pool.reset()
        return pool


def theirs() -> dict[int, list[Transition]]:
    """EnvPool alone, by its own rules: the step after the end of an episode is a reset, which is no transition."""
    pool = pool_of(SEEDS)
    actions, taken = script(), [0] * len(SEEDS)
    over = [False] * len(SEEDS)
    seen: dict[int, list[Transition]] = defaultdict(list)
    while min(taken) < STEPS:
        given = np.array([actions[i, min(taken[i], STEPS - 1)] for i in range(len(SEEDS))])
        observations, rewards, terminated, truncated, _ = pool.step(given)
        for i in range(len(SEEDS)):
            if not over[i] and taken[i] < STEPS:
                end = TERMINATED * int(terminated[i]) + TRUNCATED * int(truncated[i])
                seen[i].append((observations[i].tolist(), float(rewards[i]), end))
                taken[i] += 1
            over[i] = bool(terminated[i] or truncated[i])
    return seen


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("way", ["its arrays as they are", "its own send and recv"])
def test_only_steps_that_happened(threads: int, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if way == "its own send and recv":  # as an EnvPool that names its arrays otherwise is stepped
        monkeypatch.setattr(_Wires, "_IN", ("other", "names"))
    found = ours(threads)
    assert found == theirs()
    ends = {end for transitions in found.values() for _, _, end in transitions}
    assert ends == {0, TERMINATED, TRUNCATED}


def test_its_arrays_are_known() -> None:
    assert _Wires.of(pool_of(SEEDS)) is not None
    assert _Wires.of(object()) is None


def test_the_row_shows_the_next_episode() -> None:
    environments = make_environments(CART_POLE, 1)
    observations = np.empty((1, 4), np.float32)
    rewards, ended = np.empty(1, np.float32), np.empty(1, np.uint8)
    environments.reset([5], observations)
    final: Final = {}
    while not final:
        final = environments.step(np.ones(1, np.int64), observations, rewards, ended)
    assert abs(final[0][2]) > 0.2  # the pole lies
    assert np.abs(observations).max() < 0.05  # and stands again


def test_seeds_count_environment_by_environment() -> None:
    def first(seeds: list[int]) -> list[list[float]]:
        environments = make_environments(CART_POLE, len(seeds))
        observations = np.empty((len(seeds), 4), np.float32)
        environments.reset(seeds, observations)
        return observations.tolist()

    a, b = first([1, 2])
    assert first([2, 1]) == [b, a]
    assert a != b


def test_described_without_making_one() -> None:
    description = describe(EnvironmentSpec(id="envpool:Pong-v5"))
    assert description.observation_shape == (4, 84, 84)
    assert description.observation_dtype == "uint8"


@pytest.mark.parametrize(("identifier", "options", "message"), [
    ("CartPol-v1", {}, r"EnvPool has no 'CartPol-v1'; did you mean 'CartPole-v1'"),
    ("CartPole-v1", {"num_threads": 3}, r"option 'num_threads' is not yours to give: seeds come from the run"),
    ("CartPole-v1", {"gravity": 3}, r"refuses its options \{'gravity': 3\}"),
])  # fmt: skip
def test_problems_are_told(identifier: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(EnvironmentProblem, match=message):
        describe(EnvironmentSpec(id=f"envpool:{identifier}", options=options))
