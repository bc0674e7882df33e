"""What a reactor costs: seconds of computing per tick, declared, measured or guessed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

from rlreactor.errors import PlanError, did_you_mean
from rlreactor.graph import Graph

__all__ = ["Costs", "busy_reactors"]


def busy_reactors(graph: Graph) -> tuple[str, ...]:
    """The reactors that have reactions, in graph order."""
    busy = {node.reactor for node in graph.reactions}
    return tuple(path for path in graph.reactors if path in busy)


class Costs:
    """Known and guessed costs of every reactor with reactions.

    Args:
        measured: path → seconds per tick; goes before what `place(cost=)` declared.

    Raises PlanError for a path that is not there, or a cost that is no time.
    """

    def __init__(self, graph: Graph, measured: Mapping[str, float] | None = None) -> None:
        self._graph = graph
        declared = {p: placing.cost for p, placing in graph.placing.items()}
        given = {path: cost for path, cost in declared.items() if cost is not None} | dict(measured or {})
        for path, cost in given.items():
            self._check(path, cost)
        self._busy = frozenset(busy_reactors(graph))
        self._known = {path: float(cost) for path, cost in given.items() if path in self._busy}
        self._by_class = self._means()

    def _check(self, path: str, cost: float) -> None:
        if path not in self._graph.reactors:
            hint = did_you_mean(path, self._graph.reactors)
            raise PlanError(f"costs: the topology has no reactor {path!r}; {hint}")
        if not math.isfinite(cost) or cost < 0:
            raise PlanError(f"cost of {path!r}: expected seconds of computing per tick, 0 or more, received {cost!r}")

    def _means(self) -> dict[type, float]:
        by_class: defaultdict[type, list[float]] = defaultdict(list)
        for path, cost in self._known.items():
            by_class[type(self._graph.reactors[path])].append(cost)
        return {cls: _mean(costs) for cls, costs in by_class.items()}

    def known(self, path: str) -> float | None:
        """Seconds per tick, if it was declared or measured; a reactor without reactions costs nothing."""
        return self._known.get(path) if path in self._busy else 0.0

    def estimate(self, path: str) -> float:
        """What to reckon with: like the others of its class, like the average reactor, or 1."""
        if path in self._known:
            return self._known[path]
        cls = type(self._graph.reactors[path])
        return self._by_class.get(cls, _mean(list(self._known.values())) if self._known else 1.0)


def _mean(costs: list[float]) -> float:
    return math.fsum(costs) / len(costs)
