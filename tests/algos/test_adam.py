from __future__ import annotations

import numpy as np
import torch

from rlreactor.algos.adam import BETA_1, BETA_2, EPSILON, Adam, clip_scale


def test_adam_equals_torch() -> None:
    rng = np.random.default_rng(0)
    ours = rng.standard_normal(50, np.float32)
    theirs = torch.tensor(ours, requires_grad=True)
    reference = torch.optim.Adam([theirs], lr=1e-2, betas=(BETA_1, BETA_2), eps=EPSILON)
    adam = Adam(50)
    for _ in range(100):
        gradient = rng.standard_normal(50, np.float32) * np.float32(0.1)
        theirs.grad = torch.tensor(gradient)
        norm = torch.nn.utils.clip_grad_norm_([theirs], 0.5)
        reference.step()
        received, scale = clip_scale(gradient, 0.5)
        adam.step(ours, gradient, learning_rate=1e-2, scale=scale)
        np.testing.assert_allclose(received, norm, rtol=1e-5)
    np.testing.assert_allclose(ours, theirs.detach(), rtol=1e-4, atol=1e-5)


def test_a_short_gradient_is_not_lengthened() -> None:
    assert clip_scale(np.full(4, 0.01, np.float32), 0.5)[1] == 1.0
