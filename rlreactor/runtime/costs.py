"""What reactors cost: measured in a run, for the planner of the next one."""

from __future__ import annotations

import time
from collections.abc import Callable

from rlreactor.execution import Execution
from rlreactor.scheduler.binding import Binding
from rlreactor.tag import Tag

__all__ = ["Cost", "measured"]


class Cost:
    """The time that one reactor's reactions took, and at how many tags."""

    def __init__(self) -> None:
        self.tags = 0
        self._last: Tag | None = None
        self._ns = 0

    @property
    def seconds_per_tag(self) -> float:
        """Mean over the tags at which the reactor reacted."""
        return self._ns * 1e-9 / self.tags

    def add(self, tag: Tag, ns: int) -> None:
        """One of its reactions took `ns` at `tag`."""
        self._ns += ns
        if tag is not self._last:
            self._last = tag
            self.tags += 1


def measured(binding: Binding) -> dict[str, Cost]:
    """From now on every reaction of a worker is timed; the costs by reactor path, filled while it runs."""
    costs: dict[str, Cost] = {}
    for node in binding.nodes:
        reaction = binding.reactions[node.rank]
        assert reaction is not None
        cost = costs.setdefault(node.reactor, Cost())
        reaction.method = _timed(reaction.method, cost, binding.execution)
    return costs


def _timed(method: Callable[[], None], cost: Cost, execution: Execution) -> Callable[[], None]:
    def timed() -> None:
        start = time.perf_counter_ns()
        method()
        cost.add(execution.tag, time.perf_counter_ns() - start)

    return timed
