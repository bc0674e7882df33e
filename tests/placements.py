"""Explicit placements, so that a test says itself which reactor is on which worker and what travels in slots."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence
from typing import Any

from rlreactor import Graph, Plan, Reactor, Result, check, run
from rlreactor.links.slots import slot_stride
from rlreactor.planner.links import links_between
from rlreactor.planner.plan import EdgePlan, WorkerPlan
from rlreactor.scheduler.modes import scope_of
from rlreactor.scheduler.routes import Routes

Where = Mapping[str, int]
CARRIERS = ("memory", "ipc", "tcp")
carrier = os.environ.get("RLREACTOR_CARRIER", "memory")
"""What takes messages from worker to worker in the plans that are made here; tests of other carriers set it."""
TINY = 0
"""An inline limit below every array: all of them travel in slots."""


def round_robin(topology: Reactor, workers: int) -> dict[str, int]:
    """Every reactor on the worker after the one before it, so that neighbours are apart."""
    return {path: index % workers for index, path in enumerate(active_first(topology))}


def shuffled(topology: Reactor, workers: int, seed: int) -> dict[str, int]:
    """Every reactor anywhere, but what is in a mode with what is around it; no worker stays empty."""
    return shuffled_together(together(check(topology)), workers, seed)


def shuffled_together(groups: Mapping[str, str], workers: int, seed: int) -> dict[str, int]:
    """Every group of reactors anywhere; no worker stays empty. `groups` is what `together` returns."""
    paths = list(dict.fromkeys(groups.values()))
    workers = min(workers, len(paths))
    chance = random.Random(seed)
    indices = [*range(workers), *(chance.randrange(workers) for _ in range(len(paths) - workers))]
    chance.shuffle(indices)
    worker_of = dict(zip(paths, indices, strict=True))
    return {path: worker_of[first] for path, first in groups.items()}


def together(graph: Graph) -> dict[str, str]:
    """For every reactor, the one whose worker it has to share: itself, unless it is in a mode. Active ones first."""
    active = {node.reactor for node in graph.reactions}

    def first(path: str) -> str:
        scope = scope_of(graph.reactors[path], None)
        return first(scope.rpartition(":")[0]) if scope else path

    return {path: first(path) for path in sorted(graph.reactors, key=lambda path: path not in active)}


def active_first(topology: Reactor) -> list[str]:
    """Paths of all reactors, those with reactions first."""
    graph = check(topology)
    active = {node.reactor for node in graph.reactions}
    return sorted(graph.reactors, key=lambda path: (path not in active, list(graph.reactors).index(path)))


def placed(topology: Reactor, where: Where, *, inline_limit: int = 4096, slots: int = 3) -> Plan:
    """A plan that puts every reactor where `where` says, unnamed ones on worker 0.

    Values of a fixed size above `inline_limit` bytes travel in `slots` slots.
    """
    graph = check(topology)
    unknown = set(where) - set(graph.reactors)
    assert not unknown, f"no reactor at {sorted(unknown)}"
    worker_of = {path: where.get(path, 0) for path in graph.reactors}
    count = max(worker_of.values()) + 1
    cores = sorted(os.sched_getaffinity(0))
    workers = tuple(
        WorkerPlan(
            index=index,
            reactors=tuple(path for path, worker in worker_of.items() if worker == index),
            cores=(cores[index % len(cores)],),
        )
        for index in range(count)
    )
    return Plan(
        topology=type(topology).__name__,
        workers=workers,
        edges=_edges(graph, worker_of, count, inline_limit, slots),
        links=links_between(count, carrier),
    )


def _edges(graph: Graph, worker_of: Where, workers: int, inline_limit: int, slots: int) -> tuple[EdgePlan, ...]:
    routes = Routes.of(graph, dict(worker_of), workers)
    edges: list[EdgePlan] = []
    for source, readers in routes.readers.items():
        spec = graph.ports[source].spec
        in_slots = spec.nbytes > inline_limit
        edges.append(
            EdgePlan(
                source=source,
                worker=routes.home[source],
                readers=readers,
                carrier="slots" if in_slots else "inline",
                slots=slots if in_slots else 0,
                slot_bytes=slot_stride(spec) if in_slots else 0,
                message_bytes=spec.nbytes,
            )
        )
    return tuple(edges)


def run_placed(topology: Reactor, where: Where, *, inline_limit: int = 4096, slots: int = 3, **options: Any) -> Result:
    """`run` with the trace kept, on the placement that `where` says."""
    plan = placed(topology, where, inline_limit=inline_limit, slots=slots)
    return run(topology, plan=plan, trace=True, **options)


def run_everywhere(topology: Reactor, *, workers: Sequence[int] = (1, 2, 3), **options: Any) -> Result:
    """Run on every number of workers and on several placements; they must agree. The result of one worker."""
    count = len(check(topology).reactors)
    alone = run_placed(topology, {}, **options)
    for number in workers:
        if not 1 < number <= count:
            continue
        places = [round_robin(topology, number), shuffled(topology, number, 1), shuffled(topology, number, 2)]
        for index, where in enumerate(places):
            result = run_placed(topology, where, inline_limit=TINY if index else 4096, **options)
            assert result.trace == alone.trace, f"on {where}"
            assert result.fingerprint == alone.fingerprint, f"on {where}"
            assert result.tag == alone.tag, f"on {where}"
    return alone
