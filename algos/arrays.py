"""What the files of `algos` call an array, and the flat vector that holds all of a policy."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Shape: TypeAlias = tuple[int, ...]
Parameters: TypeAlias = tuple[tuple[str, Shape], ...]
"""Names and shapes in the order in which they lie in the flat vector."""


def total_size(parameters: Parameters) -> int:
    return sum(math.prod(shape) for _, shape in parameters)


def views(flat: Array, parameters: Parameters) -> dict[str, Array]:
    """Cut `flat` into named views; writing into `flat` changes them, nothing is copied."""
    check_array("the flat vector of weights", flat, np.float32, (total_size(parameters),))
    named: dict[str, Array] = {}
    start = 0
    for name, shape in parameters:
        stop = start + math.prod(shape)
        named[name] = flat[start:stop].reshape(shape)
        start = stop
    return named


def check_array(name: str, array: Array, dtype: npt.DTypeLike, shape: Shape) -> None:
    """Refuse an array of another dtype or shape, naming it, the expected and the received."""
    if array.dtype != np.dtype(dtype) or array.shape != shape:
        expected, received = f"{np.dtype(dtype)}{list(shape)}", f"{array.dtype}{list(array.shape)}"
        raise ValueError(f"{name}: expected {expected}, received {received}")


def check_finite(name: str, array: Array) -> None:
    """Refuse infinities and nan, naming the first place where there is one."""
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        place = [int(index) for index in np.argwhere(~np.isfinite(array))[0]]
        received = array[tuple(place)]
        raise ValueError(f"{name}{place}: expected a finite number, received {received}")


def check_names(where: str, received: Iterable[str], expected: Iterable[str]) -> None:
    """Refuse a mapping whose keys are not the expected ones, naming the differences."""
    missing = sorted(set(expected) - set(received))
    unknown = sorted(set(received) - set(expected))
    if missing or unknown:
        raise ValueError(f"{where}: missing {missing or 'nothing'}, unknown {unknown or 'nothing'}")
