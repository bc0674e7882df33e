"""Edges and what follows from them: both forms do the same, whatever is promised in whatever order."""

from __future__ import annotations

import random
from typing import Any

import pytest

from rlreactor.scheduler.cadence import Cadence
from rlreactor.scheduler.edges import InEdge
from rlreactor.scheduler.routes import STOP, Route
from rlreactor.tag import FOREVER, NO_DELAY, Delay

from ..forms import FORMS, form_of

EDGES, HORIZON = "scheduler/edges", "scheduler/horizon"
LAST = FOREVER.time


@pytest.fixture(params=FORMS)
def edges(request: pytest.FixtureRequest) -> Any:
    return form_of(EDGES, request.param)


def route(writer: int = 2, delay: Delay = NO_DELAY, reader: int = 4, cadence: Cadence | None = None) -> Route:
    return Route(1, writer, delay, reader, cadence)


def test_an_edge_is_known_up_to_what_its_source_may_still_send(edges: Any) -> None:
    edge = edges.InEdge(route())
    assert (edge.earliest, edge.source, edge.writer, edge.reader, edge.first_rank) == ((0, 0), 1, 2, 4, 4)
    assert not edge.advance((0, 0, 2))  # the reaction of rank 2 may still write
    assert edge.advance((0, 0, 3))
    assert edge.earliest == (0, 1)
    assert not edge.advance((0, 1, 0))
    assert not edge.advance((0, 0, 9))  # older than what was promised
    assert edge.advance((7, 0, 0))
    assert (edge.earliest, edge.due) == ((7, 0), (7, 0, 2))


def test_a_cadence_leaves_out_the_tags_between(edges: Any) -> None:
    edge = edges.InEdge(route(delay=Delay(5, 0), cadence=Cadence(10, 4)))
    assert edge.earliest == (15, 0)
    assert edge.advance((10, 0, 3))
    assert (edge.earliest, edge.due) == ((19, 0), (14, 0, 2))
    assert not edge.advance((13, 0, 0))
    once = edges.InEdge(route(cadence=Cadence(3, 0)))
    assert once.advance((3, 1, 0))
    assert once.earliest == FOREVER


def test_times_end_at_forever(edges: Any) -> None:
    edge = edges.InEdge(route(delay=Delay(5, 0)))
    assert edge.advance((LAST, 0, 9))
    assert edge.earliest == (LAST, 0)


def test_a_stop_makes_promises_void(edges: Any) -> None:
    edge = edges.InEdge(route())
    group = edges.Edges([edge])
    assert group.advance((9, 0, 0))
    group.fall_back((4, 0))
    assert (edge.earliest, edge.due, group.due) == ((4, 0), (0, 0, -1), (0, 0, -1))
    assert not group.moved_past(4)
    assert group.advance((5, 0, 0))


def test_edges_tell_past_what_the_last_frontier_has_moved_them(edges: Any) -> None:
    group = edges.Edges([edges.InEdge(route()), edges.InEdge(route(writer=6))])
    assert group.advance((3, 0, 0))
    assert [group.moved_past(time) for time in (0, 3, 4)] == [True, True, False]
    assert group.advance((3, 0, 5))  # the first of them only
    assert [group.moved_past(time) for time in (2, 3)] == [False, True]
    assert not group.advance((3, 0, 5))
    assert not group.moved_past(3)


@pytest.mark.parametrize("wrong", [(1, 2), [0, 0, 0], (0, 0, "x")])
def test_what_is_no_frontier_is_refused_in_c(wrong: Any) -> None:
    edge = form_of(EDGES, FORMS[0]).InEdge(route())
    with pytest.raises(TypeError):
        edge.advance(wrong)


def test_no_edges_hold_nobody_up(edges: Any) -> None:
    none = edges.Edges([])
    assert not none.advance((5, 0, 0))
    assert (none.earliest(), none.all_after((LAST - 1, 0)), list(none)) == (FOREVER, True, [])
    assert none.reached((7, 1), (0, 0)) == (7, 1, 0)


def some_routes(chance: random.Random) -> list[Route]:
    cadences = [None, Cadence(0, 1), Cadence(2, 3), Cadence(5, 0), Cadence(LAST, 0)]
    delays = [Delay(0, 0), Delay(0, 1), Delay(1, 0), Delay(4, 2)]
    return [
        Route(chance.randrange(3), chance.randrange(8), chance.choice(delays), chance.choice([STOP, 1, 4, 6]),
              chance.choice(cadences))
        for _ in range(chance.randrange(1, 7))
    ]  # fmt: skip


TIMES = (0, 1, 2, 3, 5, 8, LAST - 1, LAST)


def told_edges(form: str, seed: int) -> list[Any]:
    """Everything that edges answer while they are told one thing after the other."""
    chance, module, found = random.Random(seed), form_of(EDGES, form), list[Any]()
    group = module.Edges([module.InEdge(route) for route in some_routes(chance)])
    for _ in range(60):
        tag, asked = ((chance.choice(TIMES), chance.randrange(3)) for _ in range(2))
        if chance.random() < 0.9:
            found.append(group.advance((*tag, chance.randrange(9))))
        else:
            group.fall_back(tag)
        found += [
            group.due,
            group.moved_past(tag[0]),
            group.earliest(),
            group.all_after(tag),
            group.reached(tag, asked),
        ]
        found += [(edge.earliest, edge.due) for edge in group]
    return found


@pytest.mark.parametrize("seed", range(50))
def test_both_forms_of_edges_answer_the_same(seed: int) -> None:
    assert told_edges(FORMS[0], seed) == told_edges(FORMS[1], seed)


def told(form: str, seed: int) -> list[Any]:
    """Everything that a horizon answers while it is told one thing after the other."""
    chance, found = random.Random(seed), list[Any]()
    known = form_of(HORIZON, form).Horizon([InEdge(route) for route in some_routes(chance)])
    for _ in range(60):
        tag, asked = ((chance.choice(TIMES), chance.randrange(3)) for _ in range(2))
        what = chance.randrange(8)
        if what < 5:
            known.advance(chance.randrange(4), (*tag, chance.randrange(9)))
        elif what == 5:
            known.floor = max(known.floor, tag)
            known.refresh()
        elif what == 6:
            known.unaware.add(chance.randrange(3))
        else:
            for group in known.of_worker.values():
                group.fall_back(tag)
            known.refresh()
        found += [
            known.known,
            known.floor,
            known.latest,
            known.stops,
            known.may_start(asked),
            known.known_before(asked),
        ]
        found += [known.known_at(asked, gate) for gate in known.at_gate]
        found += [known.promise(asked), [edge.earliest for edge in known.edges]]
    return [*found, list(known.of_worker), list(known.at_gate), [edge.reader for edge in known.stopping]]


@pytest.mark.parametrize("seed", range(50))
def test_both_forms_of_a_horizon_answer_the_same(seed: int) -> None:
    assert told(FORMS[0], seed) == told(FORMS[1], seed)
