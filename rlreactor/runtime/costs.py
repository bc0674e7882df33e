"""What reactions cost and do: measured in a run, for the planner of the next one."""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from rlreactor.action import Action
from rlreactor.graph import ReactionNode
from rlreactor.port import Port
from rlreactor.runtime.time_use import TimeUse
from rlreactor.scheduler.binding import Binding
from rlreactor.spec import Object
from rlreactor.tag import Point

__all__ = ["Meter", "Meters"]

_SIZED = 32  # messages of a port without a fixed size that are weighed


class Meter:
    """What one reaction did."""

    def __init__(self, node: ReactionNode) -> None:
        self.node = node
        self.runs = 0
        self.ns = 0
        self.first_ns = 0
        self.squares = 0  # of the ns of every run
        self.sets: Counter[str] = Counter()

    @property
    def seconds(self) -> float:
        """Mean of a run; the first one, which loads and makes things, counts only where there is no other."""
        if self.runs < 2:
            return self.first_ns * 1e-9
        return (self.ns - self.first_ns) * 1e-9 / (self.runs - 1)

    @property
    def error(self) -> float:
        """Standard error of that mean: large where a few runs were kept off the processor."""
        runs = self.runs - 1
        if runs < 2:
            return 0.0
        mean = (self.ns - self.first_ns) / runs
        variance = max(0.0, (self.squares - self.first_ns**2) / runs - mean**2)
        return math.sqrt(variance / runs) * 1e-9

    def report(self) -> dict[str, Any]:
        """Plain data."""
        return {"runs": self.runs, "seconds": self.seconds, "error": self.error, "sets": dict(self.sets)}


class Meters:
    """From now on every reaction of a worker is timed.

    Args:
        binding: of the worker.
        waited: for how many ns the worker has waited so far, in the midst of a reaction or not.
    """

    def __init__(self, binding: Binding, waited: Callable[[], int]) -> None:
        self._binding = binding
        self._waited = waited
        self.use = TimeUse()
        self._execution = binding.execution
        self._tags: Counter[str] = Counter()  # reactor → tags at which it reacted
        self._last: dict[str, Point] = {}
        self._tag: Point = (0, -1)
        self.tags = 0  # at which anything reacted
        self._events: Counter[str] = Counter()  # action → events
        self._delays: Counter[str] = Counter()  # action → ns from its scheduling to its events, in all
        self._scheduled_ns: dict[str, int] = {}  # action → logical time at which it was scheduled last
        self._sizes: dict[str, list[int]] = {}  # port → bytes of its first messages
        self._meters = [Meter(node) for node in binding.nodes]
        for meter in self._meters:
            reaction = binding.reactions[meter.node.rank]
            assert reaction is not None
            reaction.method = self._timed(meter, reaction.method)

    def per_tag(self) -> dict[str, float]:
        """Reactor → seconds per tag at which it reacted."""
        seconds: defaultdict[str, float] = defaultdict(float)
        for meter in self._meters:
            seconds[meter.node.reactor] += meter.ns * 1e-9
        return {path: seconds[path] / count for path, count in self._tags.items()}

    def report(self) -> dict[str, Any]:
        """Plain data: reactions and actions by path, sizes of messages by port."""
        sizes = {path: sum(found) / len(found) for path, found in self._sizes.items() if found}
        actions = {p: {"events": n, "delay": self._delays[p] / n} for p, n in self._events.items()}
        reactions = {meter.node.path: meter.report() for meter in self._meters if meter.runs}
        return {"reactions": reactions, "actions": actions, "message_bytes": sizes}

    def _timed(self, meter: Meter, method: Callable[[], None]) -> Callable[[], None]:
        graph, node = self._binding.graph, meter.node
        ports = [graph.ports[path] for path in node.effects if path in graph.ports]
        triggers = [graph.actions[path] for path in node.triggers if path in graph.actions]
        schedules = [path for path in node.effects if path in graph.actions]

        def timed() -> None:
            entered, waited = time.perf_counter_ns(), self._waited()
            self.use.begin(self._execution.tag, entered, waited)
            self._note_events(triggers)
            start = time.perf_counter_ns()
            method()
            end, waited_since = time.perf_counter_ns(), self._waited()
            ns = end - start - (waited_since - waited)
            meter.first_ns = meter.first_ns or ns
            meter.runs += 1
            meter.ns += ns
            meter.squares += ns * ns
            self._note_tag(node.reactor)
            self._note_sets(meter, ports)
            self._scheduled_ns |= dict.fromkeys(schedules, self._execution.tag[0])
            now = time.perf_counter_ns()
            self.use.end(node.path, ns, start - entered + now - end, now, waited_since)

        return timed

    def _note_tag(self, reactor: str) -> None:
        tag = self._execution.tag
        if tag != self._tag:
            self._tag = tag
            self.tags += 1
        if self._last.get(reactor) != tag:
            self._last[reactor] = tag
            self._tags[reactor] += 1

    def _note_events(self, triggers: Iterable[Action[Any]]) -> None:
        for action in triggers:
            if action.present:
                self._events[action.path] += 1
                now = self._execution.tag[0]
                self._delays[action.path] += now - self._scheduled_ns.get(action.path, now)

    def _note_sets(self, meter: Meter, ports: Iterable[Port[Any]]) -> None:
        for port in ports:
            if port.present:
                meter.sets[port.path] += 1
                sizes = self._sizes.setdefault(port.path, [])
                if isinstance(port.spec, Object) and len(sizes) < _SIZED:
                    sizes.append(len(port.spec.encode(port.spec.store(port.value))))
