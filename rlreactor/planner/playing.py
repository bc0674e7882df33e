"""Plays a schedule on given workers: when every firing would begin and end.

Workers, cores and network cards each do one thing after another, in the order of the program: tag, then rank. Every
firing depends only on earlier ones in that order, so one pass over the schedule is the whole simulation. A worker waits
at a reaction until every reaction on another worker that may send to it has run up to the tag in question, whether or
not it sent; that is what frontiers do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rlreactor.graph import Graph
from rlreactor.planner.critical_path import Step, critical_path
from rlreactor.planner.flows import flows
from rlreactor.planner.gates import Gate, History, gates_of
from rlreactor.planner.machine import Network
from rlreactor.planner.mail import Mail
from rlreactor.planner.profile import EngineCosts, Profile
from rlreactor.planner.schedule import Firing
from rlreactor.planner.sites import Site
from rlreactor.planner.swings import SWINGS, swings
from rlreactor.tag import Tag

__all__ = ["Played", "play"]

_PATIENT = 10  # a reader goes to sleep when the wait is some ten times what waking up takes


class Played(NamedTuple):
    """What a schedule came to, over the part of it that is typical: the start is left aside.

    Attributes:
        seconds: how long it took.
        tags: how many tags it had, in all and on every worker.
        busy: seconds that every worker computed.
        sent: bytes from worker to worker.
        shares: seconds on the critical path, by pattern of the reaction, "the engine" or "links".
        critical: seconds on the critical path, by worker.
    """

    seconds: float
    tags: int
    worker_tags: list[int]
    busy: list[float]
    sent: dict[tuple[int, int], float]
    shares: dict[str, float]
    critical: dict[int, float]


def play(
    graph: Graph,
    profile: Profile,
    firings: Sequence[Firing],
    place: Mapping[str, int],
    sites: Sequence[Site],
    network: Network | None = None,
) -> Played:
    """Play the schedule on the workers at `sites`; `place` tells the worker of every reactor."""
    first = (firings[-1].tag_number + 1) // 3 if firings else 0
    stage = _Stage(graph, profile, place, sites, network, first)
    for firing in firings:
        stage.fire(firing)
    return stage.played()


class _Stage:
    """The state of all workers while a schedule is played."""

    def __init__(
        self,
        graph: Graph,
        profile: Profile,
        place: Mapping[str, int],
        sites: Sequence[Site],
        network: Network | None,
        first: int,
    ) -> None:
        self._graph = graph
        self._sites = sites
        self._engine: EngineCosts = profile.engine
        self._overhead = profile.overhead
        self._costs = [_cost(profile, node.path, node.triggers) for node in graph.reactions]
        self._workers = [place[node.reactor] for node in graph.reactions]
        self._mail = Mail(graph, profile, place, sites, network)
        self._gates = gates_of(graph, place, len(sites))
        self._linked = [bool(gates) for gates in self._gates]
        for flow in flows(graph):
            if self._mail.carries(flow.source):
                self._linked[place[flow.writer]] = True
        self._histories = {gate.writer: History() for gates in self._gates for gate in gates}
        count = len(sites)
        self._clocks = [0.0] * count
        self._latest = [-1] * count  # the last firing of every worker
        self._swings = [swings(site.core) for site in sites]
        self._cores: dict[int, tuple[float, int]] = {}  # until when a core is taken, and by which firing
        self._tag_of: list[Tag | None] = [None] * count
        self._waited = [False] * count  # at its tag
        self._gate_of = [0] * count  # how many of its gates a worker has passed at its tag
        self._steps: list[Step] = []
        self._end = 0.0
        # What is counted, from the first tag that is typical on
        self._first = first
        self._first_step = 0
        self._begun = 0.0
        self._tag_number = -1
        self._tags = 0
        self._worker_tags = [0] * count
        self._busy = [0.0] * count

    def fire(self, firing: Firing) -> None:
        """One run of a reaction."""
        if firing.tag_number != self._tag_number:
            self._begin_tag(firing.tag_number)
        worker, index = self._workers[firing.rank], len(self._steps)
        self._close_accounts(worker, firing)
        begin, before, engine = self._wait(firing, worker)
        core = self._sites[worker].core
        if core in self._cores:
            begin, before = max((begin, before), self._cores[core])
        swing = self._swings[worker][firing.tag_number % SWINGS]
        own = self._costs[firing.rank] * (1 + swing * self._engine.unevenness)
        end = self._send(firing, index, worker, begin + own + engine)
        self._clocks[worker], self._latest[worker], self._cores[core] = end, index, (end, index)
        self._busy[worker] += end - begin
        self._steps.append(Step(firing.rank, worker, before, end, own, end - begin - own))
        if firing.rank in self._histories:
            self._histories[firing.rank].add(firing.tag, end, index)
        self._end = max(self._end, end)

    def _close_accounts(self, worker: int, firing: Firing) -> None:
        """What a worker does before the first firing of a tag: end the tag before it.

        It cannot leave a tag before it knows that nothing comes for any of its reactions there, and its accounts take
        their time. What it waited for then is what this tag began with.
        """
        last = self._tag_of[worker]
        if last is None or last == firing.tag or not self._linked[worker]:
            return
        clock, before, reading = self._pass_gates(worker, last, len(self._workers))
        self._latest[worker] = before
        accounts = reading + (self._engine.waiting if self._waited[worker] else self._engine.passing)
        self._waited[worker] = False
        self._clocks[worker] = clock + accounts
        self._busy[worker] += accounts
        core = self._sites[worker].core
        until, holder = self._cores[core]
        self._cores[core] = (max(until, self._clocks[worker]) if clock <= until else until, holder)

    def _begin_tag(self, number: int) -> None:
        if number == self._first:
            count = len(self._sites)
            self._begun, self._first_step = self._end, len(self._steps)
            self._tags, self._worker_tags, self._busy = 0, [0] * count, [0.0] * count
            self._mail.sent.clear()
        self._tag_number = number
        self._tags += 1

    def _wait(self, firing: Firing, worker: int) -> tuple[float, int, float]:
        """When the firing may begin, which firing it waited for, and what the engine does before it."""
        if self._tag_of[worker] != firing.tag:
            self._tag_of[worker], self._gate_of[worker] = firing.tag, 0
            self._worker_tags[worker] += 1
        clock, before, reading = self._pass_gates(worker, firing.tag, firing.rank)
        return clock, before, self._overhead + reading

    def _pass_gates(self, worker: int, tag: Tag, rank: int) -> tuple[float, int, float]:
        """Wait for all that reactions up to `rank` must know: until when, for which firing, and the time of reading."""
        clock, before, reading = self._clocks[worker], self._latest[worker], 0.0
        gates = self._gates[worker]
        while self._gate_of[worker] < len(gates) and gates[self._gate_of[worker]].rank <= rank:
            gate = gates[self._gate_of[worker]]
            self._gate_of[worker] += 1
            for sent, run in self._news(gate, tag, worker):
                arrival = sent + self._hop(worker, run, sent - clock)
                if arrival > clock:
                    clock, before = arrival, run
                    self._waited[worker] = True
                reading += self._mail.reading(run, worker)
        return clock, before, reading

    def _news(self, gate: Gate, tag: Tag, worker: int) -> Iterable[tuple[float, int]]:
        """The runs of a writer that have come to matter for `tag`, with the time at which they are known here."""
        history = self._histories[gate.writer]
        while gate.position + 1 < len(history.tags) and gate.delay.added_to(history.tags[gate.position + 1]) <= tag:
            gate.position += 1
            run = history.firings[gate.position]
            yield self._mail.arrival(run, worker, history.times[gate.position]), run

    def _hop(self, worker: int, run: int, waited: float) -> float:
        here, there = self._sites[worker], self._sites[self._steps[run].worker]
        gave_up = waited > _PATIENT * self._engine.sleeping and here.core != there.core
        return self._engine.hop("sleeping" if gave_up else here.wake)

    def _send(self, firing: Firing, index: int, worker: int, clock: float) -> float:
        """Send what is read elsewhere; when that is done."""
        if firing.rank in self._histories:
            clock += self._engine.notice
        return self._mail.send(firing.sets, firing.tag, index, worker, clock)

    def played(self) -> Played:
        """The outcome, from the first typical tag on."""
        path = critical_path(self._steps, self._first_step, self._graph.reactions)
        return Played(
            self._end - self._begun, self._tags, self._worker_tags, self._busy, dict(self._mail.sent), path.shares,
            path.workers,
        )  # fmt: skip


def _cost(profile: Profile, path: str, triggers: tuple[str, ...]) -> float:
    """Seconds of one run; what only starts is no part of the typical tags."""
    return 0.0 if set(triggers) <= {"startup", "shutdown"} else profile.reaction(path).seconds
