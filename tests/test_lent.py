"""Values that are lent again and again: who holds them is seen, whatever part of them is held."""

from __future__ import annotations

import gc
import mmap
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rlreactor.record import Record

from .forms import FORMS, form_of


@pytest.fixture(params=FORMS)
def lent_type(request: pytest.FixtureRequest) -> Any:
    return form_of("lent", request.param).Lent


def lent_record(lent_type: Any, *more: object) -> Any:
    memory = memoryview(bytearray(64))
    arrays = (np.ndarray((4,), np.float32, memory), np.ndarray((2, 2), np.uint8, memory, 32))
    lent = lent_type(Record(seen=arrays[0], ended=arrays[1]), arrays, memory, *more)
    del arrays, more
    lent.settle()
    return lent


HOLDERS: dict[str, Callable[[Any], object]] = {
    "the value": lambda lent: lent.value,
    "its fields": lambda lent: lent.value.__dict__,
    "an array": lambda lent: lent.value.seen,
    "a slice": lambda lent: lent.value.ended[0, :1],
    "a memoryview": lambda lent: memoryview(lent.value.seen),
    "a view of a view": lambda lent: lent.value.seen[1:].view(np.int32)[::2],
}


@pytest.mark.parametrize("part", HOLDERS)
def test_whatever_part_is_held_holds_the_value(lent_type: Any, part: str) -> None:
    lent = lent_record(lent_type)
    assert not lent.is_held()
    held = HOLDERS[part](lent)
    assert lent.is_held()
    del held
    assert not lent.is_held()


def test_a_weak_reference_does_not_hold(lent_type: Any) -> None:
    lent = lent_record(lent_type)
    weak = weakref.ref(lent.value.seen)
    assert not lent.is_held()
    assert weak() is not None


def test_memory_may_be_handed_on(lent_type: Any) -> None:
    lent = lent_record(lent_type)
    memory = lent.memory
    assert len(memory) == 64
    assert not lent.is_held()


def test_more_can_be_watched(lent_type: Any) -> None:
    pages = [mmap.mmap(-1, 64)]
    lent = lent_record(lent_type, pages[0])
    page = pages[0]
    assert lent.is_held()
    del page
    assert not lent.is_held()


def test_an_array_alone(lent_type: Any) -> None:
    memory = memoryview(bytearray(16))
    arrays = (np.ndarray((2,), np.int64, memory),)
    lent = lent_type(arrays[0], arrays, memory)
    lent.settle()
    row = lent.value[:1]
    assert lent.is_held()
    del row
    assert not lent.is_held()


def test_frozen_values_cannot_be_written_until_they_thaw(lent_type: Any) -> None:
    lent = lent_record(lent_type)
    before = lent.value.seen[:1]
    lent.freeze()
    assert not lent.value.seen.flags.writeable
    assert not lent.value.ended.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        lent.value.seen[0] = 1
    before[0] = 2  # as numpy has it
    lent.thaw()
    lent.value.ended[0, 0] = 3
    assert lent.value.seen[0] == 2
    assert lent.memory[32] == 3


def test_anything_but_arrays_is_refused(lent_type: Any) -> None:
    with pytest.raises(TypeError, match=r"expected a tuple of arrays, received \('no array',\)"):
        lent_type("no array", ("no array",), memoryview(b""))


def test_what_nobody_needs_goes(lent_type: Any) -> None:
    lent = lent_record(lent_type)
    gone = weakref.ref(lent.value.seen)
    lent.value.__dict__["loop"] = lent  # only the collector can take that apart
    del lent
    gc.collect()
    assert gone() is None


def lent_array(lent_type: Any, shape: tuple[int, ...] = (2, 3), dtype: Any = np.float32) -> Any:
    memory = memoryview(bytearray(max(8, int(np.prod(shape)) * np.dtype(dtype).itemsize)))
    array = np.ndarray(shape, dtype, memory)
    lent = lent_type(array, (array,), memory)
    del array
    lent.settle()
    return lent


@pytest.mark.parametrize("dtype", [np.float32, np.complex64, np.bool_, np.int64, np.float16])
@pytest.mark.parametrize("shape", [(), (0, 3), (3, 0), (1, 1), (2, 3), (300, 400)])
def test_an_array_like_its_own_is_copied_and_given_away(lent_type: Any, shape: tuple[int, ...], dtype: Any) -> None:
    lent, given = lent_array(lent_type, shape, dtype), np.ones(shape, dtype)
    assert lent.copies(given)
    assert lent.value.tolist() == given.tolist()
    assert not given.flags.writeable
    assert not lent.is_held()


@pytest.mark.parametrize(
    "given",
    [
        np.zeros((3, 2), np.float32),
        np.zeros((2, 3), np.float64),
        np.zeros((2, 3), ">f4"),
        np.zeros((2, 6), np.float32)[:, ::2],
        np.zeros((3, 2), np.float32).T,
        np.ma.zeros((2, 3), np.float32),  # pyright: ignore[reportUnknownMemberType]
        [[0.0] * 3] * 2,
        Record(seen=np.zeros((2, 3), np.float32)),
        None,
    ],
)
def test_what_lies_otherwise_is_left_alone(lent_type: Any, given: Any) -> None:
    lent = lent_array(lent_type)
    lent.value[:] = 5
    assert not lent.copies(given)
    assert lent.value.tolist() == [[5] * 3] * 2
    assert not isinstance(given, np.ndarray) or given.flags.writeable


def test_a_record_copies_nothing(lent_type: Any) -> None:
    lent = lent_record(lent_type)
    assert not lent.copies(lent.value)
    assert not lent.copies(np.zeros(4, np.float32))
