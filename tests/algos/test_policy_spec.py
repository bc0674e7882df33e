"""Specs are plain data that refuse what cannot work."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from rlreactor.algos.arrays import views
from rlreactor.algos.policy_spec import BoxAction, DiscreteAction, PolicySpec

from .helpers import box, discrete


def test_a_spec_survives_json() -> None:
    action = BoxAction(shape=(2,), low=(-math.inf, 0.0), high=(math.inf, 1.0))
    spec = PolicySpec(observation_shape=(3,), action=action, normalise_observations=True)
    assert PolicySpec.model_validate_json(spec.model_dump_json()) == spec


def test_parameters_are_listed_in_their_order() -> None:
    assert box(hidden=(8,), normalise_observations=True).parameters() == (
        ("hidden.0.weight", (2, 3, 8)),
        ("hidden.0.bias", (2, 8)),
        ("actor.weight", (8, 2)),
        ("actor.bias", (2,)),
        ("critic.weight", (8, 1)),
        ("critic.bias", (1,)),
        ("log_std", (2,)),
        ("observation_mean", (3,)),
        ("observation_variance", (3,)),
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"observation_shape": (84, 84)}, r"expects \[channels, height, width\].*\[84, 84\]"),
        ({"observation_dtype": "float32"}, "expects 'uint8', received 'float32'"),
        ({"normalise_observations": True}, "scales images by 1/255 itself"),
    ],
)
def test_a_cnn_wants_images(options: dict[str, Any], message: str) -> None:
    image: dict[str, Any] = {"observation_shape": (4, 84, 84), "observation_dtype": "uint8"}
    with pytest.raises(ValidationError, match=message):
        PolicySpec(action=DiscreteAction(n=2), network="nature_cnn", **{**image, **options})


def test_only_a_cnn_has_a_choice_of_precision() -> None:
    with pytest.raises(ValidationError, match="network 'mlp' computes in 'float32', received 'bfloat16'"):
        discrete(precision="bfloat16")


def test_bounds_must_fit_the_shape() -> None:
    with pytest.raises(ValidationError, match=r"low: expected 2 numbers.*\[2\], received 1"):
        BoxAction(shape=(2,), low=(0.0,), high=(1.0, 1.0))
    with pytest.raises(ValidationError, match="low must lie below high"):
        BoxAction(shape=(1,), low=(1.0,), high=(1.0,))


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        discrete(hiden=(3,))


def test_a_flat_vector_of_the_wrong_size_is_refused() -> None:
    spec = discrete(hidden=(8,))
    message = r"the flat vector of weights: expected float32\[109\], received float64\[3\]"
    with pytest.raises(ValueError, match=message):
        views(np.zeros(3), spec.parameters())
