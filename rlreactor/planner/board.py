"""How busy every worker is, while groups are put on them.

A tick takes at least as long as the busiest worker computes, and at least as long as the slowest train, whose phases
come one after another and each last as long as on the worker that has most of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from rlreactor.planner.phases import Phase
from rlreactor.planner.traffic import Traffic

__all__ = ["Board", "Load"]

Load = Mapping[Phase, int]
"""Computing per tick by phase. Whole numbers, so that the order of additions never decides."""


class Board:
    """Groups, by index, on `worker_count` workers; `homes` are the workers that each may be on, all when not given."""

    def __init__(
        self,
        worker_count: int,
        loads: Sequence[Load],
        traffic: Traffic,
        homes: Sequence[Sequence[int]] | None = None,
    ) -> None:
        self.workers = range(worker_count)
        self.homes = homes or [self.workers] * len(loads)
        self.loads = loads
        self.traffic = traffic
        self.place: dict[int, int] = {}  # group → worker
        self.members = [0] * worker_count
        self.totals = [0] * worker_count
        self.tick = 0
        self._by_phase: defaultdict[Phase, list[int]] = defaultdict(lambda: [0] * worker_count)
        self._peaks: defaultdict[Phase, int] = defaultdict(int)
        self._spans: defaultdict[str, int] = defaultdict(int)  # train → sum of its peaks

    def put(self, group: int, worker: int) -> None:
        """Place a group."""
        self._change(group, worker, +1)
        self.place[group] = worker
        self.traffic.put(group, worker)
        spans = (self._spans[phase.train] for phase in self.loads[group])
        self.tick = max(self.tick, self.totals[worker], *spans)

    def take(self, group: int) -> int:
        """Take a group away and return where it was. `tick` stays what it was with it."""
        worker = self.place.pop(group)
        self._change(group, worker, -1)
        self.traffic.take(group, worker)
        return worker

    def _change(self, group: int, worker: int, sign: int) -> None:
        self.members[worker] += sign
        for phase, load in self.loads[group].items():
            on_workers = self._by_phase[phase]
            on_workers[worker] += sign * load
            self.totals[worker] += sign * load
            peak = max(on_workers)
            self._spans[phase.train] += peak - self._peaks[phase]
            self._peaks[phase] = peak

    def tick_with(self, group: int, worker: int) -> int:
        """How long a tick takes at least, once the group is on this worker too."""
        return max(self.tick, self.total_with(group, worker), *self.spans_with(group, worker).values())

    def total_with(self, group: int, worker: int) -> int:
        """The worker's load with the group."""
        return self.totals[worker] + sum(self.loads[group].values())

    def spans_with(self, group: int, worker: int) -> dict[str, int]:
        """How long each train of the group takes with it."""
        spans = self.spans_now(group)
        for phase, load in self.loads[group].items():
            rise = self._by_phase[phase][worker] + load - self._peaks[phase]
            spans[phase.train] += max(0, rise)
        return spans

    def spans_now(self, group: int) -> dict[str, int]:
        """How long each train of the group takes as things are."""
        return {phase.train: self._spans[phase.train] for phase in self.loads[group]}

    def competing(self, group: int, worker: int) -> int:
        """What already runs on the worker in the same phases as the group."""
        return sum(self._by_phase[phase][worker] for phase in self.loads[group])
