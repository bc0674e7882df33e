"""Proximal policy optimisation (Schulman et al. 2017, "Proximal Policy Optimization Algorithms").

The loss of a minibatch of B rows is

    L = mean( -L_clip + c1 (V(s) - R)^2 - c2 H[pi(.|s)] )                               (eq. 9)
    L_clip = min( rho A, clip(rho, 1 - epsilon, 1 + epsilon) A ),  rho = pi(a|s) / pi_old(a|s)

with advantages A and returns R = A + V_old from generalised advantage estimation. `loss` gives L
and, in closed form, its gradient by the network's outputs; the network takes it from there.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .arrays import Array, check_array, check_names
from .batch import Batch, batch_layout, check_batch
from .distributions import Categorical, distribution_of
from .generalised_advantage import generalised_advantage
from .generator_state import generator_state, load_generator_state
from .normalise import RewardScale, RunningMoments, moments
from .outputs import Outputs
from .policy_spec import PolicySpec
from .ppo_config import PPOConfig
from .sharing import ALONE, Share, Shared, mean_in_order, outcome
from .trainable import trainable

__all__ = ["PPO", "Batch", "PPOConfig", "batch_layout"]

Metrics = dict[str, float]

MAX_LOG_RATIO = np.float32(20.0)
"""Far beyond any clip; keeps exp from overflowing when a policy has run away."""


class Rows(NamedTuple):
    """What the loss needs of N rows besides the network's outputs."""

    actions: Array
    """int64 [N] or float32 [N, A]"""
    log_probabilities: Array
    """log pi_old(a|s), float32 [N]"""
    values: Array
    """V_old(s), float32 [N]"""
    advantages: Array
    """A, float32 [N]"""
    returns: Array
    """R, float32 [N]"""

    def take(self, order: Array) -> Rows:
        return Rows(*(array.take(order, 0) for array in self))

    def slice(self, start: int, stop: int) -> Rows:
        return Rows(*(array[start:stop] for array in self))


class Terms(NamedTuple):
    """The loss row by row, float32 [N]."""

    surrogate: Array
    """L_clip"""
    squared_error: Array
    """(V - R)^2"""
    entropy: Array
    """H"""
    log_ratio: Array
    """log rho"""

    @classmethod
    def empty(cls, rows: int) -> Terms:
        return cls(*np.empty((4, rows), np.float32))

    def store(self, start: int, stop: int, terms: Terms) -> None:
        for whole, part in zip(self, terms, strict=True):
            whole[start:stop] = part


def loss(outputs: Outputs, rows: Rows, config: PPOConfig) -> tuple[Terms, Outputs]:
    """Terms of the loss for B rows, and the gradient of L by `outputs` in their shapes."""
    distribution = distribution_of(outputs)
    log_ratio = distribution.log_probability(rows.actions)
    log_ratio -= rows.log_probabilities
    np.minimum(log_ratio, MAX_LOG_RATIO, out=log_ratio)
    surrogate, by_log_probability = _policy_loss(log_ratio, rows.advantages, config.clip)
    squared_error, by_values = _value_loss(outputs.values, rows, config)
    terms = Terms(surrogate, squared_error, distribution.entropy(), log_ratio)

    by_entropy = -config.entropy_coefficient / len(log_ratio)
    if isinstance(distribution, Categorical):
        by_logits = distribution.gradient(rows.actions, by_log_probability, by_entropy)
        return terms, Outputs(by_logits, by_values, None)
    by_mean, by_log_std = distribution.gradient(rows.actions, by_log_probability, by_entropy)
    return terms, Outputs(by_mean, by_values, by_log_std)


def _policy_loss(log_ratio: Array, advantages: Array, clip: float) -> tuple[Array, Array]:
    """L_clip (eq. 7) and the gradient of -mean L_clip by log pi(a|s), both [B].

    Where the clipped product is the smaller one it does not depend on the policy.
    """
    ratio = np.exp(log_ratio)
    unclipped = ratio * advantages
    limited = np.minimum(np.maximum(ratio, np.float32(1.0 - clip)), np.float32(1.0 + clip))
    limited *= advantages
    by_log_probability = unclipped * (unclipped <= limited)
    by_log_probability *= np.float32(-1.0 / len(ratio))
    return np.minimum(unclipped, limited, out=limited), by_log_probability


def _value_loss(values: Array, rows: Rows, config: PPOConfig) -> tuple[Array, Array]:
    """(V - R)^2 and the gradient of c1 times its mean by V, both [B].

    With `clip_value` the error is the larger one of V and of V kept within that distance of V_old,
    as the authors' published code has it; where the latter is the larger it does not depend on V.
    """
    error = values - rows.returns
    squared_error = np.square(error)
    if config.clip_value is not None:
        move = values - rows.values
        limited = np.clip(move, -config.clip_value, config.clip_value)
        limited_squared = np.square(rows.values + limited - rows.returns)
        error *= (squared_error >= limited_squared) | (limited == move)
        np.maximum(squared_error, limited_squared, out=squared_error)
    error *= np.float32(2.0 * config.value_coefficient / len(error))
    return squared_error, error


class PPO:
    """A learner: `flat` float32 [size] holds weights and observation statistics, `update` trains.

    `updates_total` is the number of updates over which the learning rate is annealed. All
    randomness comes from one generator seeded with `seed`, and rollouts are joined in the order
    given, so that equal calls give equal bits.

    Learners that share every update begin with the same `seed`, and with one `share` each: their
    data differ, and so do the orders in which they go through it. A minibatch is made of equal
    parts of all shares, and statistics are those of all shares together.
    """

    def __init__(
        self,
        config: PPOConfig,
        spec: PolicySpec,
        *,
        updates_total: int,
        seed: int,
        device: str = "cpu",
        share: Share = ALONE,
    ) -> None:
        for name in ("normalise_observations", "precision"):
            ours, theirs = getattr(config, name), getattr(spec, name)
            if ours != theirs:
                raise ValueError(f"{name}: expected the same in config and policy spec, received {ours} and {theirs}")
        self.config = config
        self.spec = spec
        self.share = share
        self.updates_total = updates_total
        self.updates = 0
        self._minibatch = share.portion("minibatch", config.minibatch)
        self._rng = np.random.Generator(np.random.PCG64(seed))
        self.flat = spec.initial(self._rng)
        if share.of > 1:
            self._rng = np.random.Generator(np.random.PCG64([seed, share.index]))
        self._network = trainable(spec, self.flat, device, channels_last=config.channels_last)
        self._observation_moments = RunningMoments((spec.observation_size,))
        self._reward_scale = RewardScale(config.discount)

    @property
    def learning_rate(self) -> float:
        """Step size of the next update."""
        if not self.config.anneal_learning_rate:
            return self.config.learning_rate
        return self.config.learning_rate * max(0.0, 1.0 - self.updates / self.updates_total)

    def update(self, batches: Sequence[Batch]) -> Metrics:
        """Train on one batch per rollout, in index order; `flat` is then the new policy.

        Observations are normalised with the statistics in `flat`, which are those that rollouts
        without lag used; only afterwards do the statistics take them in.
        """
        return outcome(self.shared_update(batches))

    def shared_update(self, batches: Sequence[Batch]) -> Shared[Metrics]:
        """The same together with the other learners, on this one's share of the batches."""
        for index, batch in enumerate(batches):
            check_batch(f"batches[{index}]", batch, self.spec, self.config.horizon)
        self._network.observe([batch.observations for batch in batches])
        rows = yield from self._rows(batches)  # meanwhile observations are on their way to another device
        learning_rate = self.learning_rate
        trained = _Trained(len(rows.returns))
        for _ in range(self.config.epochs):
            yield from self._epoch(rows, learning_rate, trained)
            if (yield from self._has_drifted(trained)):
                break
        self._network.publish()
        yield from self._take_in_observations(batches)
        self.updates += 1
        return {
            **(yield from self._means({
                **trained.metrics(self.config.clip),
                "explained_variance": explained_variance(rows.values, rows.returns),
            })),
            "learning_rate": learning_rate,
        }  # fmt: skip

    def _means(self, metrics: Metrics) -> Shared[Metrics]:
        """Of the metrics of all learners, which have equal numbers of rows."""
        values = mean_in_order((yield from self.share.parts(np.array(list(metrics.values())))))
        return dict(zip(metrics, values.tolist(), strict=True))

    def _has_drifted(self, trained: _Trained) -> Shared[bool]:
        target = self.config.target_kl
        if target is None:
            return False
        parts = yield from self.share.parts(np.array([trained.last_kl()]))
        return bool(mean_in_order(parts)[0] > target)

    def _rows(self, batches: Sequence[Batch]) -> Shared[Rows]:
        """Advantages and returns of all rollouts side by side, flattened to N rows."""

        def joined(name: str) -> Array:
            return np.concatenate([getattr(batch, name) for batch in batches], axis=1)

        values, terminated, truncated = joined("values"), joined("terminated"), joined("truncated")
        rewards = joined("rewards")
        if self.config.normalise_rewards:
            rewards = yield from self._scaled(rewards, terminated | truncated)
        advantages = generalised_advantage(
            rewards=rewards,
            values=values,
            terminated=terminated,
            truncated=truncated,
            bootstrap=joined("bootstrap"),
            last_values=np.concatenate([batch.last_values for batch in batches]),
            discount=self.config.discount,
            gae_lambda=self.config.gae_lambda,
        )
        actions = joined("actions")
        return Rows(
            actions.reshape(-1, *actions.shape[2:]),
            joined("log_probabilities").ravel(),
            values.ravel(),
            advantages.ravel(),
            (advantages + values).ravel(),
        )

    def _scaled(self, rewards: Array, done: Array) -> Shared[Array]:
        scale = self._reward_scale
        returns = scale.discounted(rewards, done).ravel()
        for part in (yield from self.share.parts(moments(returns))):
            scale.moments.merge(part, len(returns))
        return scale.scaled(rewards)

    def _epoch(self, rows: Rows, learning_rate: float, trained: _Trained) -> Shared[None]:
        """One pass in a new random order; the last minibatch may be smaller."""
        count, minibatch = len(rows.returns), self._minibatch
        order = self._rng.permutation(count)
        self._network.shuffle(order)
        rows = rows.take(order)
        if self.config.normalise_advantages:
            yield from self._normalise(rows.advantages)
        terms = trained.next_epoch()
        for start in range(0, count, minibatch):
            stop = min(start + minibatch, count)
            outputs = self._network.outputs(start, stop)
            part, by_outputs = loss(outputs, rows.slice(start, stop), self.config)
            terms.store(start, stop, part)
            gradients = yield from self.share.parts(self._network.gradient(start, stop, by_outputs))
            norm = self._network.descend(
                mean_in_order(gradients),
                learning_rate=learning_rate,
                max_gradient_norm=self.config.max_gradient_norm,
            )
            if not math.isfinite(norm):
                raise FloatingPointError(self._diverged(norm))
            trained.gradient_norms.append(norm)

    def _normalise(self, advantages: Array) -> Shared[None]:
        """Mean 0 and deviation 1 for each minibatch, of all learners' parts of it."""
        if self.share.of == 1:
            normalise_in_groups(advantages, self._minibatch)
            return
        parts = yield from self.share.parts(group_moments(advantages, self._minibatch))
        normalise_groups_by(parts, advantages, self._minibatch)

    def _diverged(self, norm: float) -> str:
        return (
            f"update {self.updates}: expected a finite gradient, received one of norm {norm}; "
            f"lower learning_rate ({self.config.learning_rate}) or normalise rewards and "
            "observations"
        )

    def _take_in_observations(self, batches: Sequence[Batch]) -> Shared[None]:
        if not self.spec.normalise_observations:
            return
        size, running = self.spec.observation_size, self._observation_moments
        seen = [batch.observations.reshape(-1, size) for batch in batches]
        for part in (yield from self.share.parts(np.stack([moments(rows) for rows in seen]))):
            for new, rows in zip(part, seen, strict=True):
                running.merge(new, len(rows))
        self.flat[-2 * size : -size] = running.mean
        self.flat[-size:] = running.variance
        self._network.load()

    def state(self) -> dict[str, Any]:
        """Everything that `update` reads or changes, as arrays (copies) and plain numbers."""
        observations, rewards = self._observation_moments, self._reward_scale
        state: dict[str, Any] = {
            "flat": self.flat,
            "updates": self.updates,
            "updates_total": self.updates_total,
            "generator": generator_state(self._rng),
            "observations.mean": observations.mean,
            "observations.variance": observations.variance,
            "observations.count": observations.count,
            "rewards.returns": rewards.returns,
            "rewards.mean": rewards.moments.mean,
            "rewards.variance": rewards.moments.variance,
            "rewards.count": rewards.moments.count,
            **self._network.state(),
        }
        return copy.deepcopy(state)

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from `state` as if nothing had happened since it was taken."""
        check_names("state of PPO", state, self.state())
        check_array("state of PPO, flat", state["flat"], np.float32, (self.spec.size,))
        self.flat[:] = state["flat"]
        self.updates, self.updates_total = int(state["updates"]), int(state["updates_total"])
        load_generator_state(self._rng, state["generator"])
        for name, running in (
            ("observations", self._observation_moments),
            ("rewards", self._reward_scale.moments),
        ):
            running.mean = np.array(state[f"{name}.mean"])
            running.variance = np.array(state[f"{name}.variance"])
            running.count = int(state[f"{name}.count"])
        self._reward_scale.returns = np.array(state["rewards.returns"])
        self._network.load()
        self._network.load_state({name: state[name] for name in self._network.state()})


@dataclass(slots=True)
class _Trained:
    """What has been measured during an update, kept by row so that one sum an epoch is enough."""

    rows: int
    epochs: list[Terms] = field(default_factory=list[Terms])
    gradient_norms: list[float] = field(default_factory=list[float])

    def next_epoch(self) -> Terms:
        self.epochs.append(Terms.empty(self.rows))
        return self.epochs[-1]

    def last_kl(self) -> float:
        return approximate_kl(self.epochs[-1].log_ratio)

    def metrics(self, clip: float) -> Metrics:
        """Means over all rows of all epochs; approx_kl over the last epoch's."""
        surrogate, squared_error, entropy, log_ratio = (
            np.concatenate(parts) for parts in zip(*self.epochs, strict=True)
        )
        return {
            "policy_loss": -float(surrogate.mean()),
            "value_loss": float(squared_error.mean()),
            "entropy": float(entropy.mean()),
            "approx_kl": self.last_kl(),
            "clip_fraction": float((np.abs(np.expm1(log_ratio)) > clip).mean()),
            "gradient_norm": float(np.mean(self.gradient_norms)),
        }


def approximate_kl(log_ratio: Array) -> float:
    """KL(pi_old, pi) as the mean of (rho - 1) - log rho, which is never negative."""
    return float(np.mean(np.expm1(log_ratio) - log_ratio))


def explained_variance(values: Array, returns: Array) -> float:
    """1 - Var(R - V) / Var(R): 1 for a perfect critic, 0 for a constant one; both [N]."""
    variance = float(np.var(returns))
    return 0.0 if variance == 0.0 else 1.0 - float(np.var(returns - values)) / variance


def normalise_in_groups(advantages: Array, size: int) -> None:
    """Mean 0 and deviation 1 in place for each group of `size` rows and for the remainder; [N].

    All whole groups at once: a minibatch at a time would be mostly call overhead.
    """
    for group in _groups(advantages, size):
        if group.shape[1] > 1:
            group -= group.mean(1, keepdims=True)
            group /= group.std(1, keepdims=True) + np.float32(1e-8)


def group_moments(advantages: Array, size: int) -> Array:
    """Mean and variance of each group of `size` rows and of the remainder, float64 [2, groups]."""
    groups = [group.astype(np.float64) for group in _groups(advantages, size)]
    return np.stack([
        np.concatenate([group.mean(1) for group in groups]),
        np.concatenate([group.var(1) for group in groups]),
    ])  # fmt: skip


def normalise_groups_by(parts: Sequence[Array], advantages: Array, size: int) -> None:
    """As `normalise_in_groups`, where a group is one learner's part of a larger one: by the `group_moments` of all."""
    mean = mean_in_order([part[0] for part in parts])
    variance = mean_in_order([part[1] + np.square(part[0] - mean) for part in parts])
    first = 0
    for group in _groups(advantages, size):
        own = slice(first, first + len(group))
        group -= mean[own, None].astype(np.float32)
        group /= np.sqrt(variance[own, None]).astype(np.float32) + np.float32(1e-8)
        first = own.stop


def _groups(advantages: Array, size: int) -> list[Array]:
    """Views of the whole groups [groups, size], and of the remainder [1, rest] where there is one."""
    whole = len(advantages) // size * size
    groups = (advantages[:whole].reshape(-1, size), advantages[whole:].reshape(1, -1))
    return [group for group in groups if group.size]
