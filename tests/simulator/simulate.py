"""One program, run by the simulator and by the engine on one worker."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any, NamedTuple, cast

from rlreactor import Graph, Reactor, Tag, check, codec, run
from rlreactor.links.carrier import Carrier
from rlreactor.links.host_memory import HostMemory, SlotPlan
from rlreactor.links.mixed_carrier import MixedCarrier
from rlreactor.runtime import intake
from rlreactor.runtime.neighbourhood import Neighbourhood
from rlreactor.scheduler import sequence
from rlreactor.scheduler.binding import Binding, root_ports
from rlreactor.scheduler.clock import FastClock
from rlreactor.scheduler.recorder import Event, Trace
from rlreactor.scheduler.routes import Routes
from rlreactor.scheduler.scheduler import Scheduler
from rlreactor.spec import Record, Spec, Struct

from .host import SimulatedMemory
from .network import Network
from .simulation import Simulation
from .words import simulated_words

__all__ = ["HOST", "MIXED", "NETWORK", "Case", "Difference", "Outcome", "alone", "simulate"]

HOST, NETWORK, MIXED = "host", "network", "mixed"


class Case(NamedTuple):
    """A program to run. `longest` bounds the bytes of its messages."""

    name: str
    make: Callable[[], Reactor]
    timeout: int | None
    longest: int = 200


class Outcome(NamedTuple):
    """What has to be the same on every placement."""

    tag: Tag
    trace: Trace
    states: bytes


class Difference(AssertionError):
    """The simulated run is not what one worker makes of the program."""


class Report(NamedTuple):
    """What came of a simulated run."""

    outcome: Outcome
    missed: int  # wake-ups that were lost


@cache
def alone(case: Case) -> Outcome:
    """What the engine makes of it on one worker."""
    result = run(case.make(), workers=1, timeout=case.timeout, trace=True)
    return Outcome(result.tag, result.trace, _packed({path: result.state(path) for path in _graph(case, 0).reactors}))


def _packed(states: dict[str, dict[str, Any]]) -> bytes:
    return codec.pack_leniently(dict(sorted(states.items())))


@cache
def _graph(case: Case, worker: int) -> Graph:
    """A graph for every worker: in one process they would share their ports otherwise."""
    return check(case.make())


class _Worker:
    """What `runtime.worker.Worker` is, without a process."""

    def __init__(
        self, graph: Graph, local: list[str], carrier: Carrier, routes: Routes, me: int, spin: int, timeout: int | None
    ) -> None:
        links = Neighbourhood(carrier, routes, me, spin=spin, early=spin == 0)

        def storage(path: str) -> Any:
            return links.storage(path, graph.ports[path].spec)

        self.links = links
        self.binding = Binding(graph, local, trace=True, fingerprint=False, storage=storage)
        self.binding.execution.log = _forget
        self.scheduler = Scheduler(self.binding, FastClock(0), timeout, links)
        links.waiting.stall_ns = 10**18
        links.join(self.scheduler)
        self.states: dict[str, dict[str, Any]] = {}

    def run(self, begin: Callable[[], None]) -> None:
        """To the stop."""
        self.scheduler.before_reaction = lambda _: begin()
        self.scheduler.run()
        self.links.leave()
        self.states = codec.unpack(codec.pack_leniently(self.binding.states()))

    @property
    def position(self) -> object:
        """Changes as long as something comes of what the worker does."""
        return self.scheduler.tags, self.binding.execution.tag, self.links.outbox._status, len(self.states)


def _forget(path: str, values: dict[str, Any]) -> None:
    pass


class _Run:
    """A case with everything that the seed decides."""

    def __init__(self, case: Case, seed: int, mode: str) -> None:
        chance = Random(f"{case.name}/{seed}/{mode}")
        self.case = case
        self.chance = chance
        self.graphs = [_graph(case, 0)]
        paths = sorted({node.reactor for node in self.graphs[0].reactions})
        self.count = chance.randint(2, max(2, min(4, len(paths))))
        chance.shuffle(paths)
        worker_of = dict.fromkeys(self.graphs[0].reactors, 0)
        worker_of |= {path: i if i < self.count else chance.randrange(self.count) for i, path in enumerate(paths)}
        self.graphs += [_graph(case, w) for w in range(1, self.count)]
        self.routes = Routes.of(self.graphs[0], worker_of, self.count)
        self.local = [[path for path, w in worker_of.items() if w == me] for me in range(self.count)]
        self.spin = chance.choice([0, 0, 2])
        self.backlog = chance.choice([64, 4096])
        self.workers: dict[int, _Worker] = {}
        self.simulation = Simulation(f"{case.name}/{seed}/{mode}", self.position, self.describe)
        self.network: Network | None = None
        self.reported = 0
        self.host_of = self.hosts(mode)
        self.memory = SimulatedMemory(self.simulation, self.count, self.rings(), self.slot_plans())
        if mode != HOST:
            self.network = Network(self.simulation, self.count, case.longest + 64)

    def hosts(self, mode: str) -> list[int]:
        """On which host every worker is; those of one host share its memory."""
        if mode == NETWORK:
            return list(range(self.count))
        return [self.chance.randrange(2) if mode == MIXED else 0 for _ in range(self.count)]

    def near(self, a: int, b: int) -> bool:
        return self.host_of[a] == self.host_of[b]

    def carrier(self, me: int) -> Carrier:
        """The ends of worker `me`, as it makes them when it comes up."""
        network = self.network
        if network is None:
            return self.memory.open(me)
        peers = [w for w in range(self.count) if not self.near(me, w)]
        return MixedCarrier(
            cast("HostMemory", self.memory), me, peers, self.routes.audience(me),
            lambda board, land: network.connect(me, board, peers, land),
        )  # fmt: skip

    def rings(self) -> dict[tuple[int, int], int]:
        size = self.chance.choice([64 if self.case.longest < 4096 else 4096, 2 * self.case.longest, 1 << 16])
        workers = range(self.count)
        return {(a, b): size for a in workers for b in workers if a != b and self.near(a, b)}

    def slot_plans(self) -> tuple[SlotPlan, ...]:
        plans: list[SlotPlan] = []
        order = root_ports(self.graphs[0])
        for path, readers in self.routes.readers.items():
            spec: Spec[Any] = self.graphs[0].ports[path].spec
            if spec.fields and self.chance.random() < 0.7:
                writer, count = self.routes.home[path], self.chance.choice([2, 2, 3, 5])
                near = tuple(r for r in readers if self.near(writer, r))
                distant = tuple(r for r in readers if not self.near(writer, r))
                plans.append(SlotPlan(path, spec, writer, near, count, distant, order.index(path)))
        return tuple(plans)

    def position(self) -> object:
        return [worker.position for worker in self.workers.values()]

    def describe(self) -> str:
        lines: list[str] = []
        for process in self.simulation.processes:
            worker = self.workers.get(process.index)
            if worker is None or process.over:
                lines.append(f"worker {process.index}: {'has ended' if process.over else 'not yet there'}")
                continue
            waits, status = worker.links.waiting.waits_for, worker.links.outbox._status
            doing = "sleeps" if process.asleep else "could run"
            lines.append(
                f"worker {process.index} {doing} at {worker.binding.execution.tag}, waits for worker {waits}, "
                f"next {worker.scheduler.candidate()}, {status}, floor {worker.links._frontiers.floor}"
            )
        return "\n".join(lines)

    def body(self, me: int) -> Callable[[], None]:
        def work() -> None:
            worker = self.workers[me] = _Worker(
                self.graphs[me], self.local[me], self.carrier(me), self.routes, me, self.spin, self.case.timeout
            )
            worker.run(self.simulation.begin)
            self.reported += 1
            if self.reported == self.count:
                for other in self.workers.values():  # as the supervisor does: nobody wants anything any more
                    other.links.interrupt()
            worker.links.close()

        return work

    def report(self) -> Report:
        workers = self.workers.values()
        recorders = [outlet.recorder for worker in workers for outlet in worker.binding.outlets.values()]
        events = sorted(((r.order, e) for r in recorders for e in r.events), key=lambda oe: (oe[1].tag, oe[0]))
        trace = Trace(Event(e.tag, e.path, self.value(e.path, e.value)) for _, e in events)
        states = {path: state for worker in workers for path, state in worker.states.items()}
        return Report(
            Outcome(Tag(*max(w.scheduler.last for w in workers)), trace, _packed(states)), self.simulation.missed
        )

    def value(self, path: str, stored: Any) -> Any:
        spec: Spec[Any] = self.graphs[0].ports[path].spec
        return Record(**stored) if isinstance(spec, Struct) else spec.load(stored)


def simulate(case: Case, seed: int, mode: str) -> Report:
    """Run `case` on a random placement with everything that can go wrong; it must come to the same.

    Raises Difference, Stuck, Overrun, or whatever the engine raised.
    """
    simulated = _Run(case, seed, mode)
    simulation = simulated.simulation
    for me in range(simulated.count):
        simulation.add(simulated.body(me))
    backlog, intake.BACKLOG = intake.BACKLOG, simulated.backlog
    warm_up, sequence.warm_up = sequence.warm_up, seed % 2 * sequence.warm_up
    try:
        with simulated_words(simulation):
            simulation.run()
    finally:
        intake.BACKLOG = backlog
        sequence.warm_up = warm_up
    report = simulated.report()
    _compare(report.outcome, alone(case))
    if report.missed:
        raise Difference(f"{report.missed} times a worker slept although there was news, until its time was up")
    return report


def _compare(outcome: Outcome, expected: Outcome) -> None:
    for index, (event, right) in enumerate(zip(outcome.trace, expected.trace, strict=False)):
        if Trace([event]) != Trace([right]):
            raise Difference(f"event {index} is {event}, on one worker {right}")
    if len(outcome.trace) != len(expected.trace):
        longer = max(outcome.trace, expected.trace, key=len)
        at = min(len(outcome.trace), len(expected.trace))
        raise Difference(f"{len(outcome.trace)} events, on one worker {len(expected.trace)}; then {longer[at]}")
    if outcome.tag != expected.tag:
        raise Difference(f"stops at {outcome.tag}, on one worker at {expected.tag}")
    if outcome.states != expected.states:
        raise Difference(f"states {codec.unpack(outcome.states)}, on one worker {codec.unpack(expected.states)}")
