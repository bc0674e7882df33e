"""Plays a schedule on given workers: when every firing would begin and end.

Workers, cores and network cards each do one thing after another, in the order of the program: tag, then rank. Every
firing depends only on earlier ones in that order, so one pass over the schedule is the whole simulation. A worker waits
at a reaction until every reaction on another worker that may send to it has run up to the tag in question, whether or
not it sent; that is what frontiers do.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rlreactor.graph import Graph
from rlreactor.links import wire
from rlreactor.planner.flows import flows
from rlreactor.planner.machine import Network
from rlreactor.planner.memory import slot_bytes
from rlreactor.planner.names import bank_of
from rlreactor.planner.profile import EngineCosts, Profile
from rlreactor.planner.schedule import Firing
from rlreactor.planner.sites import Site
from rlreactor.planner.swings import SWINGS, swings
from rlreactor.tag import NO_DELAY, Delay, Tag

__all__ = ["Played", "play"]

_RECORD = 8  # bytes that a ring adds to a notice
_WORD = 8  # bytes
_PATIENT = 10  # a reader goes to sleep when the wait is some ten times what waking up takes
ENGINE, LINKS = "the engine", "links"


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


class _Edge:
    """What a worker waits for before a reaction: the runs of a writer elsewhere, `delay` earlier."""

    __slots__ = ("delay", "position", "writer")

    def __init__(self, writer: int, delay: Delay) -> None:
        self.writer = writer  # rank
        self.delay = delay
        self.position = -1  # in the writer's history: the last run that matters


class _History:
    """The runs of a reaction that others wait for: at which tag, when its news was out, and which firing it was."""

    __slots__ = ("firings", "tags", "times")

    def __init__(self) -> None:
        self.tags: list[Tag] = []
        self.times: list[float] = []
        self.firings: list[int] = []

    def add(self, tag: Tag, time: float, firing: int) -> None:
        """One more run."""
        self.tags.append(tag)
        self.times.append(time)
        self.firings.append(firing)


class _Step(NamedTuple):
    """One firing in retrospect."""

    rank: int
    worker: int
    before: int  # the firing that it waited for, on this worker or another; -1: none
    end: float
    own: float  # seconds of the reaction itself
    engine: float  # seconds of scheduling, sending and receiving


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
        self._network = network
        self._engine: EngineCosts = profile.engine
        self._overhead = profile.overhead
        self._costs = [_cost(profile, node.path, node.triggers) for node in graph.reactions]
        self._workers = [place[node.reactor] for node in graph.reactions]
        self._readers = _readers(graph, place)
        self._bytes = {port: profile.bytes_of(graph, port) for port in self._readers}
        self._in_slots = {port for port in self._readers if slot_bytes(graph, port)}
        self._gates = self._make_gates(place)
        self._linked = [bool(gates) for gates in self._gates]
        for flow in flows(graph):
            if flow.source in self._readers:
                self._linked[place[flow.writer]] = True
        self._histories = {edge.writer: _History() for edges in self._gates for _, edge in edges}
        count = len(sites)
        self._clocks = [0.0] * count
        self._latest = [-1] * count  # the last firing of every worker
        self._swings = [swings(site.core) for site in sites]
        self._cores: dict[int, tuple[float, int]] = {}  # until when a core is taken, and by which firing
        self._cards_out: defaultdict[int, float] = defaultdict(float)
        self._cards_in: defaultdict[int, float] = defaultdict(float)
        self._tag_of: list[Tag | None] = [None] * count
        self._waited = [False] * count  # at its tag
        self._gate_of = [0] * count  # how many of its gates a worker has passed at its tag
        self._arrivals: dict[tuple[int, int], float] = {}  # (firing, worker) → when its news is there, from afar
        self._messages: Counter[tuple[int, int]] = Counter()  # (firing, worker) → messages that it sent
        self._notices: dict[tuple[int, int], Tag] = {}  # from worker to worker: the tag of the last one
        self._steps: list[_Step] = []
        self._end = 0.0
        # What is counted, from the first tag that is typical on
        self._first = first
        self._first_step = 0
        self._begun = 0.0
        self._tag_number = -1
        self._tags = 0
        self._worker_tags = [0] * count
        self._busy = [0.0] * count
        self._sent: defaultdict[tuple[int, int], float] = defaultdict(float)

    def _make_gates(self, place: Mapping[str, int]) -> list[list[tuple[int, _Edge]]]:
        """Per worker, in order of ranks: what it must know of others before it goes past that rank."""
        writers: defaultdict[str, list[int]] = defaultdict(list)
        for node in self._graph.reactions:
            for port in node.effects:
                writers[port].append(node.rank)
        roots = {edge.sink: (edge.source, edge.delay) for edge in self._graph.edges}
        first: dict[tuple[int, int, Delay], int] = {}
        for node in self._graph.reactions:
            worker = place[node.reactor]
            for sink in node.triggers + node.reads:
                source, delay = roots.get(sink, (sink, NO_DELAY))
                for writer in writers[source] if not delay.physical else ():
                    if self._workers[writer] != worker:
                        key = (worker, writer, delay)
                        first[key] = min(first.get(key, node.rank), node.rank)
        gates: list[list[tuple[int, _Edge]]] = [[] for _ in self._sites]
        for (worker, writer, delay), rank in sorted(first.items(), key=lambda item: (item[1], item[0])):
            gates[worker].append((rank, _Edge(writer, delay)))
        return gates

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
        self._steps.append(_Step(firing.rank, worker, before, end, own, end - begin - own))
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
            self._sent.clear()
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
        while self._gate_of[worker] < len(gates) and gates[self._gate_of[worker]][0] <= rank:
            edge = gates[self._gate_of[worker]][1]
            self._gate_of[worker] += 1
            for sent, run in self._news(edge, tag, worker):
                arrival = sent + self._hop(worker, run, sent - clock)
                if arrival > clock:
                    clock, before = arrival, run
                    self._waited[worker] = True
                reading += self._engine.message / 2 * self._messages.pop((run, worker), 0)
        return clock, before, reading

    def _news(self, edge: _Edge, tag: Tag, worker: int) -> Iterable[tuple[float, int]]:
        """The runs of a writer that have come to matter for `tag`, with the time at which they are known here."""
        history = self._histories[edge.writer]
        while edge.position + 1 < len(history.tags) and edge.delay.added_to(history.tags[edge.position + 1]) <= tag:
            edge.position += 1
            run = history.firings[edge.position]
            yield self._arrivals.pop((run, worker), history.times[edge.position]), run

    def _hop(self, worker: int, run: int, waited: float) -> float:
        here, there = self._sites[worker], self._sites[self._steps[run].worker]
        gave_up = waited > _PATIENT * self._engine.sleeping and here.core != there.core
        return self._engine.hop("sleeping" if gave_up else here.wake)

    def _send(self, firing: Firing, index: int, worker: int, clock: float) -> float:
        """Send what is read elsewhere; when that is done."""
        if firing.rank in self._histories:
            clock += self._engine.notice
        for port in firing.sets:
            for reader in self._readers.get(port, ()):
                clock += self._engine.message / 2
                size = self._size(port) + self._notice(worker, reader, firing.tag)
                self._messages[index, reader] += 1
                self._sent[worker, reader] += size
                if self._sites[reader].host != self._sites[worker].host:
                    late = self._cross(worker, reader, size, clock)
                    self._arrivals[index, reader] = max(late, self._arrivals.get((index, reader), 0.0))
        return clock

    def _size(self, port: str) -> float:
        """Bytes of an entry and its value: what lies in a notice is rounded up to whole words."""
        size = self._bytes[port]
        return wire.ENTRY + (size if port in self._in_slots else -(-size // _WORD) * _WORD)

    def _notice(self, worker: int, reader: int, tag: Tag) -> int:
        """Bytes of a notice besides its entries; 0 where one leaves for that reader at this tag already."""
        if self._notices.get((worker, reader)) == tag:
            return 0
        self._notices[worker, reader] = tag
        return wire.HEAD + _RECORD

    def _cross(self, worker: int, reader: int, size: float, clock: float) -> float:
        """When a message is there that leaves at `clock` for another host; a card sends one after another."""
        assert self._network is not None
        source, target = self._sites[worker].host, self._sites[reader].host
        takes = size / self._network.bandwidth
        leaves = self._cards_out[source] = max(clock, self._cards_out[source]) + takes
        arrives = max(leaves + self._network.latency, self._cards_in[target] + takes)
        self._cards_in[target] = arrives
        return arrives

    def played(self) -> Played:
        """The outcome, from the first typical tag on."""
        shares: defaultdict[str, float] = defaultdict(float)
        critical: defaultdict[int, float] = defaultdict(float)
        index = max(range(len(self._steps)), key=lambda i: self._steps[i].end, default=-1)
        while index >= self._first_step:
            step = self._steps[index]
            since = self._steps[step.before].end if step.before >= 0 else 0.0
            shares[bank_of(self._graph.reactions[step.rank].path)] += step.own
            shares[ENGINE] += step.engine
            shares[LINKS] += max(0.0, step.end - step.own - step.engine - since)
            critical[step.worker] += step.own + step.engine
            index = step.before
        return Played(
            self._end - self._begun, self._tags, self._worker_tags, self._busy, dict(self._sent), dict(shares),
            dict(critical),
        )  # fmt: skip


def _cost(profile: Profile, path: str, triggers: tuple[str, ...]) -> float:
    """Seconds of one run; what only starts is no part of the typical tags."""
    return 0.0 if set(triggers) <= {"startup", "shutdown"} else profile.reaction(path).seconds


def _readers(graph: Graph, place: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """Port → the other workers that read it."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for flow in flows(graph):
        if place[flow.writer] != place[flow.reader]:
            found[flow.source].add(place[flow.reader])
    return {port: tuple(sorted(workers)) for port, workers in found.items()}
