"""The state of a numpy generator as one array of numbers, so that a snapshot can hold it."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from .arrays import Array, check_array

_WORD = 2**64


def generator_state(rng: np.random.Generator) -> Array:
    """uint64 [6]: state and increment of PCG64 (high word, low word), and its spare 32 bits."""
    state = cast(dict[str, Any], rng.bit_generator.state)
    words = [*divmod(state["state"]["state"], _WORD), *divmod(state["state"]["inc"], _WORD)]
    return np.array([*words, state["has_uint32"], state["uinteger"]], np.uint64)


def load_generator_state(rng: np.random.Generator, words: Array) -> None:
    """Bring a PCG64 generator to the state that `generator_state` gave."""
    check_array("state of the generator", words, np.uint64, (6,))
    high, low, increment_high, increment_low, has_uint32, uinteger = (int(word) for word in words)
    rng.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": high * _WORD + low, "inc": increment_high * _WORD + increment_low},
        "has_uint32": has_uint32,
        "uinteger": uinteger,
    }
