"""Tags as they are hashed; both forms give the bytes of msgpack."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlreactor.tag import FOREVER, Point, Tag

from ..forms import FORMS, form_of

NUMBERS = st.one_of(st.integers(0, 2**63 - 1), st.sampled_from([n for e in (7, 8, 16, 32) for n in (2**e - 1, 2**e)]))


@pytest.fixture(params=FORMS)
def kind(request: pytest.FixtureRequest) -> Any:
    return form_of("scheduler/packed_tags", request.param).PackedTags


@pytest.mark.parametrize("form", FORMS)
@given(tags=st.lists(st.tuples(NUMBERS, NUMBERS)))
def test_bytes_are_those_of_msgpack(form: str, tags: list[Point]) -> None:
    packed = form_of("scheduler/packed_tags", form).PackedTags()
    for tag in tags:
        packed.append(tag)
    assert len(packed) == len(tags)
    assert packed.take() == b"".join([msgpack.packb(tag) for tag in tags])
    assert (len(packed), packed.take()) == (0, b"")


def test_what_was_taken_is_forgotten(kind: Any) -> None:
    packed = kind()
    for number in range(3000):  # longer than the memory that it begins with
        packed.append((number, 0))
        if number % 700 == 0:
            packed.take()
    packed.append(Tag(FOREVER.time, 1))
    assert packed.take().endswith(msgpack.packb((2999, 0)) + msgpack.packb((2**63 - 1, 1)))


@pytest.mark.parametrize(
    ("tag", "error", "message"),
    [
        ((-1, 0), ValueError, r"expected numbers from 0 on, received \(-1, 0\)"),
        ((0, -1), ValueError, r"expected numbers from 0 on, received \(0, -1\)"),
    ],
)
def test_tags_are_not_negative(kind: Any, tag: Any, error: type[Exception], message: str) -> None:
    packed = kind()
    with pytest.raises(error, match=message):
        packed.append(tag)
    assert len(packed) == 0
