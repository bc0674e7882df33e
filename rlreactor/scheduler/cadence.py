"""When a reaction can run at all, as far as the graph tells: the tags that its timers, its start and delays allow.

Most reactors of a topology that trains run at the same few points of each logical step. Whoever waits for one of them
need not ask about the tags in between.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from math import gcd
from typing import Final, NamedTuple

from rlreactor.graph import Graph, ReactionNode
from rlreactor.lifecycle import startup
from rlreactor.scheduler.modes import scope_of
from rlreactor.tag import FOREVER, Delay

__all__ = ["NEVER", "Cadence", "cadences", "following", "joined"]

_LAST: Final = FOREVER.time


class Cadence(NamedTuple):
    """Microstep 0 of `first`, and of every `period` ns from there on (0: never again)."""

    first: int
    period: int

    def after(self, delay: Delay) -> Cadence | None:
        """When what is sent at these tags arrives."""
        if delay.physical or delay.microsteps:
            return None
        return Cadence(min(self.first + delay.time, _LAST), self.period)


def following(first: int, period: int, time: int) -> int:
    """The earliest tag of a cadence at `time` or later; the time of FOREVER if there is none.

    Of plain numbers, since it is asked for several times with every message.
    """
    if time <= first:
        return first
    if not period:
        return _LAST
    time += (first - time) % period
    return time if time < _LAST else _LAST


NEVER: Final = Cadence(FOREVER.time, 0)


def joined(these: Iterable[Cadence | None]) -> Cadence | None:
    """A cadence that contains all of these; None: any tag."""

    def join(one: Cadence | None, other: Cadence | None) -> Cadence | None:
        if one is None or other is None:
            return None
        if NEVER in (one, other):
            return min(one, other)
        return Cadence(min(one.first, other.first), gcd(one.period, other.period, one.first - other.first))

    return reduce(join, these)


def cadences(graph: Graph) -> dict[int, Cadence | None]:
    """By rank, when each reaction can run; None: at any tag. Those that nothing triggers are left out."""
    roots = {edge.sink: (edge.source, edge.delay) for edge in graph.edges}
    writers: dict[str, list[int]] = {}
    for node in graph.reactions:
        for effect in node.effects:
            writers.setdefault(effect, []).append(node.rank)
    own = [_own(graph, node) for node in graph.reactions]
    triggers = [
        [(writer, delay) for path in node.triggers for root, delay in [roots.get(path, (path, Delay(0, 0)))]
         for writer in writers.get(root, ()) if path in graph.ports]
        for node in graph.reactions
    ]  # fmt: skip
    found: dict[int, Cadence | None] = {}
    changed = True
    while changed:  # periods only get shorter, each a divisor of the last
        changed = False
        for rank, causes in enumerate(own):
            sent = [c and c.after(delay) for w, delay in triggers[rank] if w in found for c in [found[w]]]
            if causes or sent:
                now = joined([*causes, *sent])
                changed |= rank not in found or found[rank] != now
                found[rank] = now
    return found


def _own(graph: Graph, node: ReactionNode) -> list[Cadence | None]:
    """When a reaction can run because of its own reactor."""
    if scope_of(graph.reactors[node.reactor], node.signature.mode):
        return [None]  # local time stands still there now and then
    causes: list[Cadence | None] = []
    for trigger in node.triggers:
        timer = graph.timers.get(trigger)
        if timer is not None and timer.mode is None:
            causes.append(Cadence(int(timer.offset), int(timer.period or 0)))
        elif trigger in graph.ports:
            continue
        elif trigger == startup.name:
            causes.append(Cadence(0, 0))
        else:  # actions can come at any microstep, and so can the stop
            causes.append(None)
    return causes
