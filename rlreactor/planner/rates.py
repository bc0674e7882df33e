"""How often reactions run, as far as it is known before the run.

A reaction that a timer drives, directly or through others, runs at most once per period of the fastest of them. An
action that a reactor schedules for itself drives what follows like a timer, since its delay or spacing bounds it. What
only `startup` drives has no rate: its events go round a loop one after another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from rlreactor.graph import Graph
from rlreactor.tag import Delay

__all__ = ["in_flight", "periods", "source_periods", "timed_reactors"]

MOST_IN_FLIGHT = 64  # beyond it the writer waits for its readers rather than reserving more memory


def periods(graph: Graph) -> dict[str, int]:
    """Reaction → shortest time in ns between two of its runs; reactions without a rate are left out."""
    return _spread(graph, _timer_periods(graph) | _action_periods(graph))


def source_periods(graph: Graph) -> dict[str, int]:
    """Port that reactions set → shortest time in ns between two of its values."""
    by_reaction = periods(graph)
    by_port: dict[str, int] = {}
    for node in graph.reactions:
        if node.path in by_reaction:
            for port in node.effects:
                by_port[port] = min(by_port.get(port, by_reaction[node.path]), by_reaction[node.path])
    return by_port


def timed_reactors(graph: Graph) -> frozenset[str]:
    """The reactors that a periodic timer drives."""
    reached = _spread(graph, _timer_periods(graph))
    return frozenset(node.reactor for node in graph.reactions if node.path in reached)


def in_flight(delay: Delay, period: int | None) -> int:
    """How many messages can be under way on an edge with this delay; at most `MOST_IN_FLIGHT`."""
    if not delay.time and not delay.microsteps:
        return 0
    known = -(-delay.time // period) if period else 1
    return min(max(known, 1), MOST_IN_FLIGHT)


def _timer_periods(graph: Graph) -> dict[str, int]:
    return {path: int(timer.period) for path, timer in graph.timers.items() if timer.period}


def _action_periods(graph: Graph) -> dict[str, int]:
    bounds = {p: max(int(a.min_delay), int(a.min_spacing or 0)) for p, a in graph.actions.items()}
    return {path: bound for path, bound in bounds.items() if bound}


def _spread(graph: Graph, seeds: dict[str, int]) -> dict[str, int]:
    """Carry periods from timers and actions to every reaction behind them, the shortest first."""
    found: dict[str, int] = {}
    followers = _followers(graph)
    for period, seed in sorted((period, seed) for seed, period in seeds.items()):
        waiting = [seed]
        while waiting:
            for path, effects in followers[waiting.pop()]:
                if path not in found:
                    found[path] = period
                    waiting += effects
    return found


def _followers(graph: Graph) -> defaultdict[str, list[tuple[str, Iterable[str]]]]:
    """Timer, action or root port → the reactions that it triggers, with what these set in turn."""
    roots = {edge.sink: edge.source for edge in graph.edges}
    followers: defaultdict[str, list[tuple[str, Iterable[str]]]] = defaultdict(list)
    for node in graph.reactions:
        for trigger in node.triggers:
            followers[roots.get(trigger, trigger)].append((node.path, node.effects))
    return followers
