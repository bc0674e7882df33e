"""Plain data to bytes and back, types kept, nothing executable."""

from __future__ import annotations

import enum
import math
from collections import OrderedDict, defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from rlreactor import Tag, codec
from rlreactor.scheduler.recorder import Trace
from rlreactor.spec import Record


class Colour(enum.IntEnum):
    RED = 3


class Word(enum.StrEnum):
    YES = "yes"


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        -1,
        2**63 - 1,
        -(2**63),
        2**64 - 1,
        2**64,
        -(2**70),
        1.5,
        float("inf"),
        1 + 2j,
        "",
        "ä€𝄞",
        b"",
        b"\x00\xff",
        [],
        [1, [2, [3]]],
        (),
        (1, (2, "x")),
        {},
        {"a": {1: [(2, 3)]}, (1, 2): None, 5: b"x"},
        {1, 2, 3},
        frozenset({"ab"}),
        Tag(5, 1),
        [Tag(0, 0), (0, 0)],
        {"deep": [{"big": 2**80}]},
        (2**65, -(2**65)),
    ],
    ids=repr,
)
def test_plain_data_comes_back_with_its_types(value: Any) -> None:
    result = codec.unpack(codec.pack(value))
    assert result == value
    assert repr(result) == repr(value)  # 1 is not True, (0, 0) is not Tag(0, 0)


@pytest.mark.parametrize("number", [None, False, True, 0, -1, 2**63, 2**64, -(2**63) - 1, 10**40, 0.5, math.inf, -0.0])
def test_numbers_pack_alike_either_way(number: float | None) -> None:
    assert codec.pack_number(number) == codec.pack(number)
    assert codec.unpack(codec.pack_number(number)) == number


@pytest.mark.parametrize("dtype", ["f4", ">f4", "i8", "u1", "?", "c16", "f2"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3)])
def test_arrays_come_back_with_dtype_and_shape(dtype: str, shape: tuple[int, ...]) -> None:
    array: np.ndarray[Any, Any] = np.zeros(shape, dtype)
    array[...] = np.arange(array.size).reshape(shape)
    result = codec.unpack(codec.pack(array))
    assert (result.dtype, result.shape) == (array.dtype, array.shape)
    assert result.tobytes() == array.tobytes()
    assert result.flags.writeable
    assert result.flags.owndata or result.base is not None


def test_a_strided_array_comes_back_whole() -> None:
    array = np.arange(12).reshape(3, 4)[:, ::2].T
    assert Trace([codec.unpack(codec.pack(array))]) == [array]


@pytest.mark.parametrize("axes", list(permutations(range(3))), ids=str)
def test_the_order_in_memory_stays(axes: tuple[int, ...]) -> None:
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(axes)
    result = codec.unpack(codec.pack(array))
    assert result.tolist() == array.tolist()
    assert result.strides == array.strides


@pytest.mark.parametrize(
    "array", [np.arange(12)[::-2], np.zeros((3, 1)).T, np.broadcast_to(np.arange(3), (2, 3)), np.zeros((0, 4)).T]
)
def test_what_has_gaps_in_memory_comes_back_without_them(array: np.ndarray[Any, Any]) -> None:
    result = codec.unpack(codec.pack(array))
    assert (result.dtype, result.shape, result.tolist()) == (array.dtype, array.shape, array.tolist())


def test_structured_arrays_keep_their_fields() -> None:
    array = np.array([(1, 0.5)], np.dtype([("a", "i4"), ("b", "<f8")], align=True))
    result = codec.unpack(codec.pack({"array": array, "scalar": array[0]}))
    assert result["array"].dtype == result["scalar"].dtype == array.dtype
    assert result["array"]["b"].tolist() == [0.5]


def test_arrays_can_be_left_beside_the_bytes() -> None:
    large, turned, small = np.arange(100), np.arange(6.0).reshape(2, 3).T, np.arange(2)
    value = {"rng": 2**100, "once": large, "in": [(large, {"turned": turned})], "small": small}
    data, apart = codec.pack_apart(value, lambda array: array.size > 2)
    assert apart[0] is large
    assert [array.flags.c_contiguous for array in apart] == [True, True]
    result = codec.unpack(data, apart)
    (again, deeper) = result["in"][0]
    assert again is result["once"] is large
    assert Trace([deeper["turned"], result["small"], result["rng"]]) == [turned, small, 2**100]
    assert deeper["turned"].strides == turned.strides


def test_numpy_scalars_keep_their_dtype() -> None:
    result = codec.unpack(codec.pack(np.float32(0.1)))
    assert type(result) is np.float32
    assert result == np.float32(0.1)


@pytest.mark.parametrize(
    ("value", "plain"),
    [(Colour.RED, 3), (Word.YES, "yes"), (defaultdict(int, a=1), {"a": 1}), (OrderedDict([("b", 2)]), {"b": 2})],
)
def test_subclasses_become_plain(value: Any, plain: Any) -> None:
    result = codec.unpack(codec.pack(value))
    assert result == plain
    assert type(result) is type(plain)


def test_sets_pack_alike_whatever_their_history() -> None:
    grown = set(range(1000))
    grown -= set(range(3, 1000))
    assert codec.pack(grown) == codec.pack({2, 1, 0})


@pytest.mark.parametrize(
    "value", [object(), lambda: 0, int, [object()], {"a": (object(),)}, Record(a=np.zeros(1)).__iter__()]
)
def test_what_is_not_plain_data_is_refused_by_the_name_of_its_type(value: Any) -> None:
    with pytest.raises(TypeError, match=r"cannot pack (object|function|type|dict_itemiterator): expected None, bool"):
        codec.pack(value)


def test_arrays_of_objects_are_refused_wherever_they_are() -> None:
    with pytest.raises(TypeError, match="an array of Python objects cannot be packed"):
        codec.pack_apart([(np.array([object()]),)], lambda array: False)


def test_arrays_of_objects_are_refused() -> None:
    with pytest.raises(TypeError, match="an array of Python objects cannot be packed"):
        codec.pack(np.array([object()]))


def test_leniently_what_is_not_plain_is_named() -> None:
    value = {"plain": [1, (2,)], "not": [object()], "array": np.arange(2)}
    result = codec.unpack(codec.pack_leniently(value))
    assert result["plain"] == [1, (2,)]
    assert result["not"] == [codec.Unsaved("builtins.object")]
    assert result["array"].tolist() == [0, 1]


def test_foreign_extensions_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown extension type 77"):
        codec.unpack(bytes.fromhex("d44d90"))


def test_threads_pack_side_by_side() -> None:
    values = [{"deep": [(n, 2**70 + n, {n})] * 50} for n in range(8)]

    def packed(value: Any) -> bool:
        return all([codec.unpack(codec.pack(value)) == value for _ in range(50)])

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(packed, values))


def test_what_could_not_be_packed_leaves_nothing_behind() -> None:
    for _ in range(3):
        with pytest.raises(TypeError, match="cannot pack object"):
            codec.pack([1, 2, object()])
        assert codec.unpack(codec.pack([3, (4,)])) == [3, (4,)]


def test_who_packed_much_is_let_go_with_its_memory() -> None:
    codec.pack(1)
    before = len(codec._idle)
    codec.pack(bytes(1 << 20))
    assert len(codec._idle) == before - 1
