"""What a program does, without doing it: which reactions run at which tags.

Which reactions run is a matter of logical time and never of the placement. So it is worked out once, from the graph and
from what a profile says of the values that reactions set; how long it takes on given workers is another file's
question. A port that is set at every third run is set at the third, the sixth and so on: nothing here is random.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from heapq import heappop, heappush
from typing import NamedTuple

from rlreactor.graph import Graph, ReactionNode
from rlreactor.planner.names import bank_of
from rlreactor.planner.profile import Profile
from rlreactor.tag import NO_DELAY, Delay, Point, Tag

__all__ = ["Firing", "schedule"]

_MOST_FIRINGS = 200_000  # a second or two of Python
_MOST_TAGS = 400
_LEAST_TAGS = 12
_WHOLE = 1 - 1e-9  # rates are means of counts: a third three times is one


class Firing(NamedTuple):
    """One run of a reaction at the tag with this number, and the ports that it sets."""

    tag_number: int
    tag: Tag
    rank: int
    sets: tuple[str, ...]


def schedule(graph: Graph, profile: Profile) -> list[Firing]:
    """The first tags of the program, up to a few hundred, every firing in the order in which one worker runs them.

    Raises PlanError where the profile lacks a reaction.
    """
    return list(_Program(graph, profile).firings())


class _Program:
    """Events in order of their tags; an event is a tuple of ranks to trigger, or a timer that also comes again."""

    def __init__(self, graph: Graph, profile: Profile) -> None:
        self._graph = graph
        self._profile = profile
        self._events: list[tuple[int, int, int, tuple[int, ...], int]] = []  # time, microstep, number, ranks, period
        self._number = 0
        self._triggered = _triggered(graph)
        self._rates = [_rates(node, graph, profile) for node in graph.reactions]
        self._owed: defaultdict[str, float] = defaultdict(float)
        self._push(Tag(0, 0), self._at_once("startup"))
        for path, timer in graph.timers.items():
            self._push(Tag(int(timer.offset), 0), self._at_once(path), int(timer.period or 0))

    def firings(self) -> Iterator[Firing]:
        count = tags = 0
        while self._events and tags < _MOST_TAGS and (count < _MOST_FIRINGS or tags < _LEAST_TAGS):
            tag = Tag(*self._events[0][:2])
            for firing in self._process(tag, tags):
                yield firing
                count += 1
            tags += 1

    def _process(self, tag: Tag, tag_number: int) -> Iterator[Firing]:
        ready: list[int] = []
        queued: set[int] = set()
        for ranks in self._pop(tag):
            _trigger(ranks, ready, queued)
        while ready:
            rank = heappop(ready)
            node = self._graph.reactions[rank]
            sets = tuple(path for path, rate in self._rates[rank] if self._due(path, rate))
            for path in sets:
                for delay, ranks in self._triggered[path].items():
                    if delay == NO_DELAY:
                        _trigger(ranks, ready, queued)
                    else:
                        self._push(delay.added_to(tag), ranks)
            self._schedule_actions(node, tag)
            yield Firing(tag_number, tag, rank, sets)

    def _due(self, path: str, rate: float) -> bool:
        self._owed[path] += rate
        if self._owed[path] < _WHOLE:
            return False
        self._owed[path] -= 1
        return True

    def _schedule_actions(self, node: ReactionNode, tag: Tag) -> None:
        for path in node.effects:
            known = self._profile.action(path) if path in self._graph.actions else None
            if known is not None and self._due(path, known.rate):
                self._push(Delay(known.delay, int(not known.delay)).added_to(tag), self._at_once(path))

    def _at_once(self, path: str) -> tuple[int, ...]:
        return self._triggered[path].get(NO_DELAY, ())

    def _push(self, tag: Point, ranks: tuple[int, ...], period: int = 0) -> None:
        if ranks:
            self._number += 1
            heappush(self._events, (tag[0], tag[1], self._number, ranks, period))

    def _pop(self, tag: Tag) -> Iterator[tuple[int, ...]]:
        while self._events and self._events[0][:2] == tag:
            *_, ranks, period = heappop(self._events)
            if period:
                self._push(Tag(tag.time + period, 0), ranks, period)
            yield ranks


def _trigger(ranks: tuple[int, ...], ready: list[int], queued: set[int]) -> None:
    for rank in ranks:
        if rank not in queued:
            queued.add(rank)
            heappush(ready, rank)


def _triggered(graph: Graph) -> defaultdict[str, dict[Delay, tuple[int, ...]]]:
    """Timer, action or root port → the ranks that it triggers, by delay. Physical delays count as they are declared."""
    roots = {edge.sink: (edge.source, edge.delay) for edge in graph.edges}
    found: defaultdict[str, dict[Delay, tuple[int, ...]]] = defaultdict(dict)
    for node in graph.reactions:
        for trigger in node.triggers:
            source, delay = roots.get(trigger, (trigger, NO_DELAY))
            found[source][delay] = (*found[source].get(delay, ()), node.rank)
    return found


def _rates(node: ReactionNode, graph: Graph, profile: Profile) -> list[tuple[str, float]]:
    sets = profile.reaction(node.path).sets
    ports = [path for path in node.effects if path in graph.ports]
    return [(path, min(sets.get(bank_of(path), 0.0), 1.0)) for path in ports]
