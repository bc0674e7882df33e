"""The agenda: events in the order of their tags, then of their coming; both forms do the same."""

from __future__ import annotations

import random
from typing import Any

import pytest

from rlreactor.tag import FOREVER

from ..forms import FORMS, form_of

MODULE = "scheduler/agenda"


@pytest.fixture(params=FORMS)
def agenda(request: pytest.FixtureRequest) -> Any:
    return form_of(MODULE, request.param).Agenda()


def test_events_come_in_order(agenda: Any) -> None:
    assert (agenda.head, agenda.first, agenda.pop((0, 0))) == (FOREVER, [], [])
    for tag, name in [((5, 0), "c"), ((3, 1), "b"), ((5, 0), "d"), ((3, 0), "a"), ((3, 0), "a2"), ((9, 0), "e")]:
        agenda.push(tag, name, name.upper())
    taken = []
    while agenda.head != FOREVER:
        assert agenda.pop((0, 0)) == []
        taken.append((agenda.head, agenda.pop(agenda.head)))
    assert taken == [
        ((3, 0), [("a", "A"), ("a2", "A2")]),
        ((3, 1), [("b", "B")]),
        ((5, 0), [("c", "C"), ("d", "D")]),
        ((9, 0), [("e", "E")]),
    ]


def test_an_event_without_a_value_has_none(agenda: Any) -> None:
    agenda.push((1, 0), "timer")
    assert agenda.first == [("timer", None)]


def test_events_that_were_taken_stay_as_they_are(agenda: Any) -> None:
    agenda.push((1, 0), "a")
    taken = agenda.pop((1, 0))
    agenda.push((1, 0), "b")
    agenda.push((0, 5), "c")
    assert taken == [("a", None)]


def test_what_lies_beyond_all_time_never_comes_first(agenda: Any) -> None:
    agenda.push((2**70, 0), "never")
    agenda.push((4, 0), "soon")
    assert agenda.pop((4, 0)) == [("soon", None)]


def played(form: str, seed: int) -> list[Any]:
    chance, found = random.Random(seed), list[Any]()
    agenda = form_of(MODULE, form).Agenda()
    for number in range(300):
        if chance.random() < 0.6:
            agenda.push((chance.randrange(6), chance.randrange(3)), f"target {number}", number)
        else:
            found.append(agenda.pop(agenda.head if chance.random() < 0.8 else (0, 0)))
        found += [agenda.head, list(agenda.first), sorted(agenda.later), dict(agenda.at)]
    return found


@pytest.mark.parametrize("seed", range(20))
def test_both_forms_do_the_same(seed: int) -> None:
    assert played(FORMS[0], seed) == played(FORMS[1], seed)
