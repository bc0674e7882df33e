"""Shards: what a worker keeps, as bytes and back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import load, save

from rlreactor import RunError, Tag
from rlreactor.dynamic import is_a
from rlreactor.store.shard import decode_shard, encode_shard

DTYPES = [
    "?", "u1", "i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f2", "<f4", "<f8", ">f4", ">i8", "<c8", "<c16",
    "<M8[ns]", "<m8[s]", "<U3", "S5", "V4",
]  # fmt: skip
SHAPES = [(), (0,), (5,), (300,), (1023,), (1024,), (3, 0, 2), (40, 50), (1,) * 8]


def there_and_back(content: dict[str, Any]) -> dict[str, Any]:
    return decode_shard(encode_shard(content))


def array_of(dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if dtype == "<U3":
        return np.full(shape, "aß", dtype)
    data = np.random.default_rng(size).integers(0, 2 if dtype == "?" else 256, size, np.uint8)
    return np.frombuffer(data.tobytes(), dtype).reshape(shape)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_arrays_come_back_to_the_bit(dtype: str, shape: tuple[int, ...]) -> None:
    array = array_of(dtype, shape)
    (found,) = there_and_back({"array": array}).values()
    assert (type(found), found.dtype, found.dtype.byteorder, found.shape) == (
        np.ndarray, array.dtype, array.dtype.byteorder, array.shape,
    )  # fmt: skip
    assert found.tobytes() == array.tobytes()
    assert found.flags.writeable
    assert found.flags.aligned


@pytest.mark.parametrize("dtype", ["f4", "c16"])
def test_the_order_in_memory_stays(dtype: str) -> None:
    array = array_of(dtype, (20, 30, 40)).transpose(2, 0, 1)
    found = there_and_back({"array": array})["array"]
    assert found.strides == array.strides
    assert found.tobytes() == array.tobytes()


def test_a_part_of_an_array_comes_back_alone() -> None:
    whole = np.arange(100_000)
    data = encode_shard({"every": whole[::7], "back": whole[2000::-1]})
    assert len(data) < 8 * (100_000 / 7 + 2001) + 1000
    found = decode_shard(data)
    assert found["every"].tolist() == list(range(0, 100_000, 7))
    assert found["back"].tolist() == list(range(2000, -1, -1))


NESTED: dict[str, Any] = {
    "tag": Tag(5, 1),
    "queue": [(Tag(7, 0), "path", b"bytes"), (1, (2.5, None))],
    "rng": np.random.default_rng(3).bit_generator.state,
    "weights": (np.arange(600.0), [{"deep": np.zeros((30, 40), np.float16)}]),
    "keys": {(1, "key"): {7: {True, False}}, "array/0": np.ones(3), "plain": frozenset({1})},
    "numbers": [2**70, -(2**64), 2**64 - 1, 1 + 2j, float("-inf"), -0.0, np.float32(0.1), np.uint64(2**64 - 1)],
    "empty": [{}, [], (), "", b"", set()],
}


def test_nested_contents_come_back_with_their_types() -> None:
    assert repr(there_and_back(NESTED)) == repr(NESTED)
    assert there_and_back({}) == {}


def test_the_same_contents_are_the_same_bytes() -> None:
    assert encode_shard(NESTED) == encode_shard(there_and_back(NESTED))


def test_an_array_that_is_there_twice_stays_one() -> None:
    array = np.zeros(1000)
    data = encode_shard({"a": array, "b": [array], "other": array.copy()})
    found = decode_shard(data)
    assert found["a"] is found["b"][0]
    assert found["a"] is not found["other"]
    assert len(data) < 2.1 * array.nbytes


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
arrays = st.builds(array_of, st.sampled_from(["f4", "u1", "c8", ">f8"]), st.sampled_from(SHAPES))
contents = st.dictionaries(
    st.text() | st.integers(),
    st.recursive(
        scalars | arrays, lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner)
    ),
)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[Any]:
    """Every value by the way to it, in a form that compares to the bit."""
    if is_a(value, np.ndarray):
        return [(path, value.dtype.str, value.shape, value.tobytes())]
    if not is_a(value, dict, list, tuple):
        return [(path, repr(value))]
    pairs = value.items() if is_a(value, dict) else enumerate(value)
    return [(path, type(value)), *(leaf for key, item in pairs for leaf in leaves(item, (*path, key)))]


@given(contents)
def test_whatever_is_kept_comes_back(content: dict[str, Any]) -> None:
    assert leaves(there_and_back(content)) == leaves(content)


def test_it_is_a_safetensors_file_without_surprises() -> None:
    parts = load(encode_shard({"small": np.zeros(2), "large": np.arange(500), "more": np.ones((20, 30))}))
    assert set(parts) == {"plain", "array/0", "array/1"}
    assert parts["array/0"].tolist() == list(range(500))


def test_what_is_not_plain_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot pack object: expected None, bool"):
        encode_shard({"environment": object()})
    with pytest.raises(TypeError, match="an array of Python objects cannot be packed"):
        encode_shard({"a": np.full(1000, None)})


FOREIGN = {
    "nothing": b"",
    "text": json.dumps({"a": 1}).encode(),
    "other names": save({"weights": np.zeros(3)}),
    "an array missing": save({"plain": load(encode_shard({"a": np.zeros(500)}))["plain"]}),
    "not packed": save({"plain": np.full(9, 0xC1, np.uint8)}),
}


@pytest.mark.parametrize("data", FOREIGN.values(), ids=list(FOREIGN))
def test_what_is_no_shard_is_refused(data: bytes) -> None:
    with pytest.raises(RunError, match="not a shard of a snapshot, or of another version: "):
        decode_shard(data)
