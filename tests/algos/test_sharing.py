"""Updates that several learners share: the sum has an order, and what comes of it is what one learner would learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from rlreactor.algos.batch import Batch
from rlreactor.algos.policy_spec import DiscreteAction, PolicySpec
from rlreactor.algos.ppo import PPO, group_moments, normalise_groups_by, normalise_in_groups
from rlreactor.algos.ppo_config import PPOConfig
from rlreactor.algos.sharing import Part, Share, mean_in_order, outcome

from .helpers import discrete, images, random_batch


def test_the_mean_is_added_up_from_the_first_to_the_last() -> None:
    parts = [np.array([x], np.float32) for x in (1e8, 1.0, -1e8)]
    assert mean_in_order(parts)[0] == 0.0  # 1e8 + 1 is 1e8 in float32
    assert mean_in_order([parts[0], parts[2], parts[1]])[0] == np.float32(1 / 3)


@pytest.mark.parametrize("count", [2, 3, 5, 8])
def test_arrays_and_tensors_have_the_same_mean(count: int) -> None:
    parts = list(np.random.default_rng(count).standard_normal((count, 1001), np.float32))
    tensors = mean_in_order([torch.from_numpy(part) for part in parts])
    assert tensors.numpy().tobytes() == mean_in_order(parts).tobytes()


def test_one_that_is_not_alone_needs_the_others() -> None:
    with pytest.raises(ValueError, match="a learner that is not alone needs the parts of the others"):
        outcome(Share(0, 2).parts(1))


def together(learners: list[PPO], batches: list[Batch]) -> list[dict[str, float]]:
    """An update of all `learners` on equal numbers of `batches`, with the parts carried by hand."""
    count = len(batches) // len(learners)
    updates = [ppo.shared_update(batches[i * count : (i + 1) * count]) for i, ppo in enumerate(learners)]
    sent: list[Part] | None = None
    results: list[dict[str, float]] = []
    while not results:
        parts: list[Part] = []
        for update in updates:
            try:
                parts.append(update.send(sent))  # type: ignore[arg-type]  # a generator begins with None
            except StopIteration as end:
                results.append(end.value)
        sent = [torch.clone(part) if isinstance(part, torch.Tensor) else np.copy(part) for part in parts]
    assert len(results) == len(learners)
    return results


def config(minibatch: int, **options: Any) -> PPOConfig:
    return PPOConfig(horizon=16, epochs=2, minibatch=minibatch, hidden=(16, 16), **options)


NORMALISING: dict[str, Any] = {"normalise_observations": True}
VARIANTS = [
    pytest.param(config(96), discrete(hidden=(16, 16)), id="discrete"),
    pytest.param(
        config(96, normalise_rewards=True, target_kl=0.5, clip_value=0.2, **NORMALISING),
        discrete(hidden=(16, 16), **NORMALISING),
        id="everything on",
    ),
    pytest.param(config(96), images(DiscreteAction(n=3)), id="images"),
]


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize(("config", "spec"), VARIANTS)
def test_learners_together_learn_what_one_alone_does(config: PPOConfig, spec: PolicySpec, count: int) -> None:
    """A minibatch is the whole batch here, so that the order of rows does not matter: the rest is rounding."""
    alone = PPO(config, spec, updates_total=10, seed=3)
    several = [PPO(config, spec, updates_total=10, seed=3, share=Share(i, count)) for i in range(count)]
    for seed in (10, 20):
        before = alone.flat.copy()
        batches = [random_batch(spec, before, horizon=16, environments=1, seed=seed + i) for i in range(6)]
        expected = alone.update(batches)
        metrics = together(several, batches)
        assert len({ppo.flat.tobytes() for ppo in several}) == 1
        assert all(each == metrics[0] for each in metrics)
        step = np.abs(alone.flat - before).max()
        assert np.abs(several[0].flat - alone.flat).max() < 0.02 * step
        for name in expected.keys() - {"explained_variance"}:  # of which it is the mean over the shares
            assert metrics[0][name] == pytest.approx(expected[name], rel=1e-2, abs=1e-5), name
        alone.flat[:] = several[0].flat
        alone._network.load()
    if spec.normalise_observations:
        assert (
            alone.flat[-2 * spec.observation_size :].tobytes()
            == several[1].flat[-2 * spec.observation_size :].tobytes()
        )


def test_learners_go_through_their_rows_in_orders_of_their_own() -> None:
    several = [PPO(config(4), discrete(), updates_total=10, seed=3, share=Share(i, 2)) for i in range(2)]
    assert several[0].flat.tobytes() == several[1].flat.tobytes()
    orders = [ppo._rng.permutation(50).tolist() for ppo in several]
    assert orders[0] != orders[1]


def test_a_minibatch_has_equal_parts() -> None:
    with pytest.raises(ValueError, match="minibatch: expected a multiple of the 3 learners that share it, received 64"):
        PPO(config(64), discrete(), updates_total=1, seed=0, share=Share(0, 3))


@pytest.mark.parametrize("rows", [64, 80, 7])
def test_advantages_are_normalised_over_the_parts_of_all(rows: int) -> None:
    """Groups of 16 in each of 3 shares are thirds of groups of 48."""
    shares = np.random.default_rng(rows).standard_normal((3, rows), np.float32)
    cut = range(0, rows, 16)
    whole = np.concatenate([shares[:, start : start + 16].ravel() for start in cut])
    normalise_in_groups(whole, 48)
    parts = [group_moments(share, 16) for share in shares]
    for share in shares:
        normalise_groups_by(parts, share, 16)
    together = np.concatenate([shares[:, start : start + 16].ravel() for start in cut])
    np.testing.assert_allclose(together, whole, rtol=1e-4, atol=1e-5)
