"""Bytes that wait to be hashed; of tags and numbers both forms give those of msgpack."""

from __future__ import annotations

import re
from typing import Any, cast

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlreactor.tag import FOREVER, Point, Tag

from ..forms import FORMS, form_of

pack = cast("Any", msgpack.packb)  # msgpack ships no types
LIMITS = [sign * 2**e + d for e in (5, 7, 8, 15, 16, 31, 32, 63, 64, 99) for d in (-1, 0, 1) for sign in (1, -1)]
PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=True), st.sampled_from(LIMITS))
NUMBERS = st.one_of(st.integers(0, 2**63 - 1), st.sampled_from([n for e in (7, 8, 16, 32) for n in (2**e - 1, 2**e)]))


@pytest.fixture(params=FORMS)
def kind(request: pytest.FixtureRequest) -> Any:
    return form_of("scheduler/gathering", request.param).Gathering


@pytest.mark.parametrize("form", FORMS)
@given(tags=st.lists(st.tuples(NUMBERS, NUMBERS)))
def test_bytes_are_those_of_msgpack(form: str, tags: list[Point]) -> None:
    gathering = form_of("scheduler/gathering", form).Gathering()
    for tag in tags:
        gathering.append(tag)
    expected = b"".join([pack(tag) for tag in tags])
    assert (len(gathering), bytes(gathering), gathering.take()) == (len(expected), expected, expected)
    assert (len(gathering), gathering.take()) == (0, b"")


@pytest.mark.parametrize("form", FORMS)
@given(numbers=st.lists(PLAIN))
def test_numbers_have_the_bytes_of_msgpack(form: str, numbers: list[float | None]) -> None:
    gathering = form_of("scheduler/gathering", form).Gathering()
    for number in numbers:
        gathering.append(number)
    assert bytes(gathering) == b"".join([pack(number, default=str) for number in numbers])


@pytest.mark.parametrize("digits", [21, 31, 32, 255, 256, 4000])
def test_of_long_numbers_there_are_the_digits(kind: Any, digits: int) -> None:
    gathering = kind()
    gathering.append(-(10 ** (digits - 2)))
    assert gathering.take() == pack("-1" + "0" * (digits - 2))


@pytest.mark.parametrize("given", ["1", b"1", [1], np.float64(1)])
def test_nothing_else_is_taken_for_a_number(kind: Any, given: Any) -> None:
    gathering = kind()
    with pytest.raises(TypeError, match=f"expected a tag or a number, received {re.escape(repr(given))}"):
        gathering.append(given)
    assert len(gathering) == 0


def test_what_was_taken_is_forgotten(kind: Any) -> None:
    gathering, expected = kind(), bytearray()
    for number in range(3000):  # longer than the memory that it begins with
        data = bytes([number % 256]) * (number % 50)
        gathering(memoryview(data) if number % 2 else data)
        expected += data
        if number % 700 == 0:
            assert gathering.take() == expected
            expected.clear()
    gathering.append(Tag(FOREVER.time, 1))
    assert gathering.take() == expected + pack((2**63 - 1, 1))


@pytest.mark.parametrize(
    ("tag", "error", "message"),
    [
        ((-1, 0), ValueError, r"expected numbers from 0 on, received \(-1, 0\)"),
        ((0, -1), ValueError, r"expected numbers from 0 on, received \(0, -1\)"),
    ],
)
def test_tags_are_not_negative(kind: Any, tag: Any, error: type[Exception], message: str) -> None:
    gathering = kind()
    with pytest.raises(error, match=message):
        gathering.append(tag)
    assert len(gathering) == 0


def test_what_has_no_bytes_is_refused(kind: Any) -> None:
    with pytest.raises(TypeError):
        kind()(3.5)
