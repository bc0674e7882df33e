"""Bytes that wait to be hashed; of tags both forms give those of msgpack."""

from __future__ import annotations

from typing import Any, cast

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlreactor.tag import FOREVER, Point, Tag

from ..forms import FORMS, form_of

pack = cast("Any", msgpack.packb)  # msgpack ships no types
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
