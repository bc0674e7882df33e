from __future__ import annotations

import numpy as np

from rlreactor.algos.arrays import Array
from rlreactor.algos.generalised_advantage import generalised_advantage

DISCOUNT, LAMBDA = 0.97, 0.9


def naive(fields: dict[str, Array], t: int, b: int) -> float:
    """The defining sum of one advantage, by recursion."""
    end = fields["terminated"][t, b] or fields["truncated"][t, b]
    last = t == len(fields["rewards"]) - 1
    if fields["terminated"][t, b]:
        next_value = 0.0
    elif fields["truncated"][t, b]:
        next_value = fields["bootstrap"][t, b]
    else:
        next_value = fields["last_values"][b] if last else fields["values"][t + 1, b]
    delta = float(fields["rewards"][t, b] + DISCOUNT * next_value - fields["values"][t, b])
    return delta if end or last else delta + DISCOUNT * LAMBDA * naive(fields, t + 1, b)


def test_equals_the_definition() -> None:
    rng = np.random.default_rng(0)
    steps = (12, 40)
    fields: dict[str, Array] = {
        name: rng.standard_normal(steps, np.float32) for name in ("rewards", "values", "bootstrap")
    }
    fields["terminated"] = rng.random(steps) < 0.15
    fields["truncated"] = rng.random(steps) < 0.15
    fields["last_values"] = rng.standard_normal(steps[1], np.float32)
    assert (fields["terminated"] & fields["truncated"]).any()
    received = generalised_advantage(**fields, discount=DISCOUNT, gae_lambda=LAMBDA)
    expected = [[naive(fields, t, b) for b in range(steps[1])] for t in range(steps[0])]
    assert received.dtype == np.float32
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-5)


def test_truncation_in_the_middle_bootstraps_and_cuts() -> None:
    """One environment, rewards 1, no values except the one after the cut."""
    ones, zeros = np.ones((3, 1), np.float32), np.zeros((3, 1), np.float32)
    truncated = np.array([[False], [True], [False]])
    received = generalised_advantage(
        rewards=ones,
        values=zeros,
        terminated=np.zeros((3, 1), bool),
        truncated=truncated,
        bootstrap=10.0 * ones,
        last_values=np.zeros(1, np.float32),
        discount=0.5,
        gae_lambda=1.0,
    )
    np.testing.assert_allclose(received[:, 0], [1 + 0.5 * (1 + 0.5 * 10), 1 + 0.5 * 10, 1])
