"""The loss against autograd, the update as a whole, and exact resumption."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from rlreactor.algos.arrays import Array
from rlreactor.algos.batch import Batch
from rlreactor.algos.outputs import Outputs
from rlreactor.algos.policy import Policy
from rlreactor.algos.policy_spec import DiscreteAction, PolicySpec
from rlreactor.algos.ppo import PPO, Rows, loss, normalise_in_groups
from rlreactor.algos.ppo_config import PPOConfig

from .helpers import BOX, box, discrete, gradient_of, images, log_probability_of, random_batch

ROWS = 200


def torch_gradients(outputs: Outputs, rows: Rows, config: PPOConfig) -> list[Array]:
    """Gradients of equation 9 as autograd finds them, in float64."""
    leaves = [torch.tensor(part, dtype=torch.float64, requires_grad=True) for part in outputs if part is not None]
    old, old_values, advantages, returns = (torch.tensor(array) for array in rows[1:])
    policy: torch.distributions.Distribution = torch.distributions.Categorical(logits=leaves[0])
    if outputs.log_std is not None:
        normal = torch.distributions.Normal(leaves[0], leaves[2].exp().expand_as(leaves[0]))
        policy = torch.distributions.Independent(normal, 1)
    log_probability = log_probability_of(policy, rows.actions)
    entropy: torch.Tensor = policy.entropy()
    ratio = (log_probability - old).exp()
    surrogate = torch.min(ratio * advantages, ratio.clamp(1 - config.clip, 1 + config.clip) * advantages)
    error = (leaves[1] - returns) ** 2
    if config.clip_value is not None:
        move = (leaves[1] - old_values).clamp(-config.clip_value, config.clip_value)
        error = torch.max(error, (old_values + move - returns) ** 2)
    terms = -surrogate + config.value_coefficient * error - config.entropy_coefficient * entropy
    terms.mean().backward()
    return [gradient_of(leaf) for leaf in leaves]


def random_rows(outputs: Outputs, rng: np.random.Generator) -> Rows:
    rows, columns = len(outputs.head), len(outputs.head[0])
    normal: list[Array] = [rng.standard_normal(rows, np.float32) for _ in range(4)]
    actions: Array
    if outputs.log_std is None:
        actions = rng.integers(0, columns, (rows,))
        old = -np.log(columns) + 0.3 * normal[0]
    else:
        actions = rng.standard_normal((rows, columns), np.float32)
        log_probability = -0.5 * np.sum(actions**2, axis=1) - columns * 0.5 * np.log(2 * np.pi)
        old = log_probability + 0.3 * normal[0]
    return Rows(actions, old.astype(np.float32), *normal[1:])


@pytest.mark.parametrize("log_std", [None, np.array([0.1, -0.1], np.float32)])
@pytest.mark.parametrize("entropy_coefficient", [0.0, 0.05])
@pytest.mark.parametrize("clip_value", [None, 0.5])
def test_the_gradient_equals_autograd(
    log_std: Array | None, entropy_coefficient: float, clip_value: float | None
) -> None:
    rng = np.random.default_rng(0)
    config = PPOConfig(clip=0.2, entropy_coefficient=entropy_coefficient, clip_value=clip_value)
    head = 0.3 * rng.standard_normal((ROWS, 2), np.float32)
    outputs = Outputs(head, rng.standard_normal(ROWS, np.float32), log_std)
    rows = random_rows(outputs, rng)
    terms, gradient = loss(outputs, rows, config)
    assert 0.1 < np.mean(np.abs(np.expm1(terms.log_ratio)) > config.clip) < 0.9
    received = [part for part in gradient if part is not None]
    for mine, theirs in zip(received, torch_gradients(outputs, rows, config), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-6)


def small(**options: Any) -> PPOConfig:
    return PPOConfig(horizon=16, epochs=2, minibatch=24, hidden=(16, 16), **options)


def learner(config: PPOConfig, spec: PolicySpec) -> PPO:
    return PPO(config, spec, updates_total=10, seed=3)


def two_batches(ppo: PPO, seed: int) -> list[Batch]:
    """Of rollouts with 2 and 3 environments: 80 rows, so the last minibatch is a small one."""
    horizon = ppo.config.horizon
    return [random_batch(ppo.spec, ppo.flat, horizon=horizon, environments=2 + i, seed=seed + i) for i in range(2)]


NORMALISING: dict[str, Any] = {"normalise_observations": True}
VARIANTS = [
    pytest.param(small(), discrete(hidden=(16, 16)), id="discrete"),
    pytest.param(
        small(normalise_rewards=True, target_kl=0.01, clip_value=0.2, **NORMALISING),
        box(hidden=(16, 16), **NORMALISING),
        id="box, everything on",
    ),
    pytest.param(small(anneal_learning_rate=True), images(DiscreteAction(n=3)), id="images"),
    pytest.param(small(entropy_coefficient=0.01), images(BOX), id="images, box"),
    pytest.param(
        small(precision="bfloat16", channels_last=False),
        images(DiscreteAction(n=3), precision="bfloat16"),
        id="images, bfloat16",
    ),
]


@pytest.mark.parametrize(("config", "spec"), VARIANTS)
def test_an_update_repeats_bit_for_bit(config: PPOConfig, spec: PolicySpec) -> None:
    runs = [learner(config, spec) for _ in range(2)]
    before = runs[0].flat.copy()
    for seed in (10, 20):
        metrics = [ppo.update(two_batches(ppo, seed)) for ppo in runs]
        assert metrics[0] == metrics[1]
        assert all(np.isfinite(value) for value in metrics[0].values())
    assert runs[0].flat.tobytes() == runs[1].flat.tobytes() != before.tobytes()


@pytest.mark.parametrize(("config", "spec"), VARIANTS)
def test_resuming_changes_nothing(config: PPOConfig, spec: PolicySpec) -> None:
    uninterrupted = learner(config, spec)
    for seed in (10, 20):
        uninterrupted.update(two_batches(uninterrupted, seed))
    state = uninterrupted.state()
    assert all(isinstance(value, np.ndarray | int | float) for value in state.values())
    resumed = PPO(config, spec, updates_total=10, seed=99)
    resumed.load_state(state)
    for seed in (30, 40):
        batches = two_batches(uninterrupted, seed)
        assert uninterrupted.update(batches) == resumed.update(batches)
    assert uninterrupted.flat.tobytes() == resumed.flat.tobytes()
    for name, value in uninterrupted.state().items():
        assert np.array_equal(value, resumed.state()[name]), name


def test_a_state_is_a_copy() -> None:
    ppo = learner(small(), discrete(hidden=(16, 16)))
    state = ppo.state()
    kept = {name: np.array(value) for name, value in state.items()}
    ppo.update(two_batches(ppo, 10))
    assert all(np.array_equal(state[name], kept[name]) for name in state)


def test_a_bandit_is_learnt() -> None:
    """Action 2 pays, the others do not; observations tell nothing."""
    spec = discrete(hidden=(16, 16))
    ppo = learner(small(learning_rate=3e-3), spec)
    for seed in range(10):
        batch = random_batch(spec, ppo.flat, horizon=16, environments=8, seed=seed)
        rewards = (batch.actions == 2).astype(np.float32)
        ended = np.ones_like(batch.terminated)
        ppo.update([dataclasses.replace(batch, rewards=rewards, terminated=ended)])
    rng = np.random.default_rng(0)
    actions, _, _ = Policy(spec, ppo.flat).act(np.zeros((1000, 3), np.float32), rng)
    assert np.mean(actions == 2) > 0.9


def test_a_continuous_bandit_is_learnt() -> None:
    """The reward falls with the square of the distance from (0.5, -0.5)."""
    spec = box(hidden=(16, 16))
    ppo = learner(small(learning_rate=3e-3), spec)
    target = np.array([0.5, -0.5], np.float32)

    def distance() -> float:
        return float(np.abs(Policy(spec, ppo.flat).mode(np.zeros((1, 3), np.float32)) - target).max())

    before = distance()
    for seed in range(15):
        batch = random_batch(spec, ppo.flat, horizon=16, environments=8, seed=seed)
        rewards = -np.sum((batch.actions - target) ** 2, axis=2)
        ended = np.ones_like(batch.terminated)
        ppo.update([dataclasses.replace(batch, rewards=rewards, terminated=ended)])
    assert distance() < 0.2 < before


def test_statistics_take_in_a_batch_only_after_the_update() -> None:
    spec = discrete(hidden=(16, 16), **NORMALISING)
    ppo = learner(small(**NORMALISING), spec)
    batches = two_batches(ppo, 10)
    assert ppo.update(batches)["explained_variance"] <= 1.0
    seen = np.concatenate([batch.observations.reshape(-1, 3) for batch in batches])
    np.testing.assert_allclose(ppo.flat[-6:-3], seen.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(ppo.flat[-3:], seen.var(0), rtol=1e-4)


def test_the_first_epoch_starts_at_the_policy_that_acted() -> None:
    """With one minibatch the ratio is 1, also where observations are normalised."""
    spec = discrete(hidden=(16, 16), **NORMALISING)
    config = PPOConfig(horizon=16, epochs=1, minibatch=80, hidden=(16, 16), **NORMALISING)
    ppo = learner(config, spec)
    for seed in (10, 20):
        metrics = ppo.update(two_batches(ppo, seed))
        assert metrics["clip_fraction"] == 0.0
        assert metrics["approx_kl"] < 1e-10


def test_the_learning_rate_falls_to_zero() -> None:
    spec = discrete(hidden=(16, 16))
    ppo = PPO(small(anneal_learning_rate=True), spec, updates_total=2, seed=0)
    rates = [ppo.update(two_batches(ppo, seed))["learning_rate"] for seed in (1, 2)]
    assert rates == [3e-4, 1.5e-4]
    assert ppo.learning_rate == 0.0


def test_a_drifting_policy_ends_the_update() -> None:
    spec = discrete(hidden=(16, 16))
    drifts = []
    for target in (None, 1e-9):
        config = PPOConfig(
            horizon=16,
            epochs=20,
            minibatch=24,
            hidden=(16, 16),
            learning_rate=1e-2,
            target_kl=target,
        )
        ppo = learner(config, spec)
        drifts.append(ppo.update(two_batches(ppo, 10))["approx_kl"])
    assert drifts[1] < 0.5 * drifts[0]


def test_groups_are_normalised_apart() -> None:
    advantages = np.random.default_rng(0).standard_normal(23, np.float32) * np.float32(5) + 3
    expected = [(part - part.mean()) / part.std() for part in np.split(advantages, [10, 20])]
    normalise_in_groups(advantages, 10)
    np.testing.assert_allclose(advantages, np.concatenate(expected), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "rewards",
            np.zeros((16, 2), np.float64),
            r"batches\[1\]\.rewards: expected float32\[16, 3\], received float64\[16, 2\]",
        ),
        (
            "observations",
            np.zeros((15, 3, 3), np.float32),
            r"batches\[1\]\.observations: expected float32\[16, 3, 3\], received float32\[15, ",
        ),
        (
            "last_values",
            np.zeros((1, 3), np.float32),
            r"batches\[1\]\.last_values: expected float32\[B\], received shape \[1, 3\]",
        ),
    ],
)
def test_a_wrong_array_is_named(field: str, value: Array, message: str) -> None:
    ppo = learner(small(), discrete(hidden=(16, 16)))
    batches = two_batches(ppo, 10)
    batches[1] = dataclasses.replace(batches[1], **{field: value})
    with pytest.raises(ValueError, match=message):
        ppo.update(batches)


def test_a_reward_that_is_no_number_is_named() -> None:
    ppo = learner(small(), discrete(hidden=(16, 16)))
    batches = two_batches(ppo, 10)
    batches[0].rewards[3, 1] = np.nan
    message = r"batches\[0\]\.rewards\[3, 1\]: expected a finite number, received nan"
    with pytest.raises(ValueError, match=message):
        ppo.update(batches)


def test_a_gradient_that_is_no_number_ends_the_update() -> None:
    ppo = learner(small(), discrete(hidden=(16, 16)))
    batches = two_batches(ppo, 10)
    ppo.flat[0] = np.nan
    with pytest.raises(FloatingPointError, match="update 0: expected a finite gradient, received"):
        ppo.update(batches)


def test_a_policy_that_has_run_away_does_not_overflow() -> None:
    rows = Rows(
        np.zeros((2, 1), np.float32),
        np.full(2, -1e4, np.float32),
        *(np.array([1.0, -1.0], np.float32) for _ in range(3)),
    )
    outputs = Outputs(np.zeros((2, 1), np.float32), np.zeros(2, np.float32), np.zeros(1, np.float32))
    terms, gradient = loss(outputs, rows, PPOConfig())
    assert all(np.isfinite(part).all() for part in (*terms, *gradient) if part is not None)


def test_a_wrong_state_is_named() -> None:
    ppo = learner(small(), discrete(hidden=(16, 16)))
    state = ppo.state()
    with pytest.raises(ValueError, match=r"state of PPO: missing \['flat'\], unknown \['flut'\]"):
        ppo.load_state({"flut" if name == "flat" else name: state[name] for name in state})
    with pytest.raises(ValueError, match=r"state of PPO, flat: expected float32\[\d+\], received"):
        ppo.load_state({**state, "flat": np.zeros(3, np.float32)})


def test_config_and_spec_must_agree() -> None:
    with pytest.raises(ValueError, match="normalise_observations: expected the same"):
        learner(small(), discrete(**NORMALISING))
    message = "precision: expected the same in config and policy spec, received bfloat16 and float32"
    with pytest.raises(ValueError, match=message):
        learner(small(precision="bfloat16"), images(BOX))


def test_a_config_refuses_what_makes_no_sense() -> None:
    wrong: list[dict[str, Any]] = [
        {"learning_rate": -1.0},
        {"discount": 1.1},
        {"minibach": 3},
        {"hidden": ()},
    ]
    for options in wrong:
        with pytest.raises(ValidationError):
            PPOConfig(**options)


def test_every_option_is_described() -> None:
    for name, field in PPOConfig.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
