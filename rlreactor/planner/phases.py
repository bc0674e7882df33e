"""What can run at the same time.

Reactors at different levels that zero-delay edges join do not run at the same time within a tag: the learner works
while the rollouts wait for its weights. So loads are balanced per level, not in total: two workers with two rollouts
each are as fast as can be, wherever the learner is.

Reactors that must take turns like this form a *train*, and each part of a train's work belongs to a *phase*. Two
exceptions follow from delays:

- A delayed edge within a train along which more than one message can be under way (a declared lag of k ≥ 1) lets the
  reactors before it run ahead. Everything in such a train overlaps: it has one phase, and totals are balanced.
- Where no timer drives a loop, its events go round one after another, so even its delayed edges mean taking turns. The
  number of delayed hops from `startup` then comes before the level.

A train without any feedback could be pipelined, but every hop costs more than a small reaction. It takes turns here;
who wants it spread asks for more workers.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from typing import NamedTuple

from rlreactor.graph import Graph, ReactionNode
from rlreactor.planner.flows import Flow
from rlreactor.planner.rates import in_flight, source_periods, timed_reactors
from rlreactor.planner.unions import Unions
from rlreactor.tag import NO_DELAY

__all__ = ["Phase", "phases", "recurrent_reactions"]

_LIFECYCLE = frozenset({"startup", "shutdown"})


class Phase(NamedTuple):
    """A turn of a train: its loads on different workers overlap, and no other turn of the train does."""

    train: str
    hops: int
    level: int


def phases(graph: Graph, among: tuple[Flow, ...]) -> dict[str, tuple[Phase, ...]]:
    """For every reactor with reactions the phases in which it works, start and stop left aside."""
    timed = timed_reactors(graph)
    trains = _trains(graph, among, timed)
    overlapping = _overlapping(graph, among, trains)
    hops = _hops(graph, among, timed)
    found: defaultdict[str, dict[Phase, None]] = defaultdict(dict)
    for node in recurrent_reactions(graph):
        train = trains[node.reactor]
        turn = (0, 0) if train in overlapping else (hops.get(node.reactor, 0), node.level)
        found[node.reactor][Phase(train, *turn)] = None
    return {reactor: tuple(own) for reactor, own in found.items()}


def _trains(graph: Graph, among: Iterable[Flow], timed: frozenset[str]) -> dict[str, str]:
    unions = Unions(node.reactor for node in graph.reactions)
    for flow in among:
        if flow.delay == NO_DELAY or not timed & {flow.writer, flow.reader}:
            unions.join(flow.writer, flow.reader)
    return unions.heads()


def _overlapping(graph: Graph, among: Iterable[Flow], trains: dict[str, str]) -> set[str]:
    periods = source_periods(graph)
    return {
        trains[flow.writer]
        for flow in among
        if trains[flow.writer] == trains[flow.reader]
        and flow.writer != flow.reader
        and in_flight(flow.delay, periods.get(flow.source)) > 1
    }


def _hops(graph: Graph, among: Iterable[Flow], timed: frozenset[str]) -> dict[str, int]:
    """Fewest delayed hops from where an untimed loop starts; nothing for what a timer drives."""
    onward: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for flow in among:
        onward[flow.writer].append((int(flow.delay != NO_DELAY), flow.reader))
    hops = dict.fromkeys(_origins(graph) - timed, 0)
    waiting = deque(sorted(hops))
    while waiting:
        reactor = waiting.popleft()
        for hop, reader in onward[reactor]:
            if reader not in timed and hops[reactor] + hop < hops.get(reader, len(graph.reactors)):
                hops[reader] = hops[reactor] + hop
                (waiting.append if hop else waiting.appendleft)(reader)
    return hops


def _origins(graph: Graph) -> set[str]:
    starting = {"startup", *graph.timers}
    return {node.reactor for node in graph.reactions if starting.intersection(node.triggers)}


def recurrent_reactions(graph: Graph) -> list[ReactionNode]:
    """Reactions that run again and again; of a reactor that has none of them, all."""
    recurrent = [node for node in graph.reactions if not _LIFECYCLE.issuperset(node.triggers)]
    busy = {node.reactor for node in recurrent}
    return recurrent + [node for node in graph.reactions if node.reactor not in busy]
