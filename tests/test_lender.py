"""Lenders: memory goes round, whoever keeps a value keeps it; both forms do the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rlreactor.lent import Lent

from .forms import FORMS, form_of


def a_lent() -> Lent:
    array = np.zeros(2, np.float32)
    lent = Lent(array, (array,), memoryview(bytearray(8)))
    del array
    lent.settle()
    return lent


@pytest.fixture(params=FORMS)
def lender(request: pytest.FixtureRequest) -> Any:
    base: Any = form_of("lender", request.param).Lender

    class Lender(base):  # type: ignore[misc]
        def __init__(self) -> None:
            self.kept: list[Lent] = []
            super().__init__(self.kept)

        def _another(self) -> Lent:
            self.kept.append(a_lent())
            return self.kept[-1]

        def _copy(self, value: Any) -> Lent:
            self.empty()
            lent: Lent = self._lent
            lent.value[:] = value
            return lent

    return Lender()


def test_a_value_is_written_once_and_lent_again(lender: Any) -> None:
    seen: set[int] = set()
    for number in range(10):
        value = lender.empty()
        assert value.flags.writeable
        value[:] = number
        stored = lender.store(value)
        assert stored is value
        assert not stored.flags.writeable
        assert len(lender.stored) == 8
        seen.add(id(value))
    assert len(seen) == len(lender.kept) == 2  # the last one is still held here when the next is lent


def test_what_somebody_keeps_stays_as_it_is(lender: Any) -> None:
    kept: list[Any] = []
    for number in range(5):
        value = lender.empty()
        value[:] = number
        kept.append(lender.store(value)[:1])
        del value
    assert [float(view[0]) for view in kept] == [0, 1, 2, 3, 4]
    assert len(lender.kept) == 5


def test_any_other_value_is_copied(lender: Any) -> None:
    given = np.array([3, 4], np.float32)
    stored = lender.store(given)
    assert stored is not given
    assert stored.tolist() == [3, 4]
    lender.empty()
    assert lender.store(given).tolist() == [3, 4]


def test_what_is_copied_takes_memory_that_nobody_holds(lender: Any) -> None:
    kept = [lender.store(np.full(2, number, np.float32)) for number in range(4)]
    assert [array.tolist() for array in kept] == [[number] * 2 for number in range(4)]
    assert len(lender.kept) == 4
    given = np.full(2, 7, np.float32)
    lent = lender.empty()
    stored = lender.store(given)
    assert stored is not lent
    assert lender.store(np.array([1, 2], np.float64)).tolist() == [1, 2]  # as its spec would have it


def test_a_lender_that_was_not_made_says_so() -> None:
    kind = form_of("lender", FORMS[0]).Lender
    with pytest.raises(RuntimeError, match="never made"):
        kind.__new__(kind).empty()
    with pytest.raises(NotImplementedError):
        kind([]).empty()
    with pytest.raises(TypeError, match="expected what is lent, received 7"):
        kind([7]).empty()
