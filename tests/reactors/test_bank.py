"""A bank whose learners share a worker: who makes an update, and what each of them gets."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rlreactor.algos.sharing import Shared
from rlreactor.reactors.bank import Bank
from rlreactor.reactors.invitation import Invitation
from rlreactor.reactors.process_group import Bounds, BrokenOff

LEARNERS = 3


def bank_of_all() -> Bank:
    invitation = Invitation("one", 0, "127.0.0.1", 1, "here")
    bounds = Bounds("", "cpu", 1.0)
    joined = [Bank.join(i, invitation, LEARNERS, "bank[{}]".format, bounds, None) for i in range(LEARNERS)]
    assert all(bank is joined[0] for bank in joined)
    return joined[0]


def summing(own: float, made: list[float], *, fails: bool = False) -> Shared[Mapping[str, float]]:
    """Two exchanges; the second is of what came of the first."""
    made.append(own)
    first = yield own
    if fails:
        raise ValueError("enough")
    second = yield sum(first) + own
    return {"first": sum(first), "second": sum(second)}


def test_learners_take_turns() -> None:
    """In update n, the n-th that is called makes it for all."""
    bank = bank_of_all()
    for update in range(5):
        made: list[float] = []
        for index in range(LEARNERS):
            bank.bring(index, summing(10.0**index, made))
        for call in range(LEARNERS):
            assert made == ([1.0, 10.0, 100.0] if call > update % LEARNERS else [])
            bank.update()
        outcomes = [bank.outcome(index) for index in range(LEARNERS)]
        assert outcomes == [{"first": 111.0, "second": 444.0}] * LEARNERS


def test_who_fails_gets_what_it_raised_and_the_others_hear_of_it() -> None:
    bank = bank_of_all()
    for index in range(LEARNERS):
        bank.bring(index, summing(1.0, [], fails=index == 1))
    for _ in range(LEARNERS):
        bank.update()
    for index in (0, 2):
        with pytest.raises(BrokenOff, match=r"bank\[1\] failed"):
            bank.outcome(index)
    with pytest.raises(ValueError, match="enough"):
        bank.outcome(1)


def test_a_bank_is_forgotten_when_all_have_left() -> None:
    first = bank_of_all()
    for index in range(LEARNERS):
        first.leave(index)
    assert bank_of_all() is not first
