"""From the plan to what the workers meet in: which of them share memory, what lies there, and the sockets between."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Literal

from rlreactor.graph import Graph
from rlreactor.links.carrier import Meeting
from rlreactor.links.host_memory import HostMemory, SlotPlan
from rlreactor.planner.memory import ring_capacity, stop_ring_capacity
from rlreactor.planner.plan import Plan
from rlreactor.scheduler.binding import root_ports
from rlreactor.scheduler.routes import Routes

if TYPE_CHECKING:
    from rlreactor.links.mixed_meeting import MixedMeeting, Site

__all__ = ["lay_out", "lay_out_here"]


def lay_out(graph: Graph, plan: Plan, routes: Routes) -> Meeting:
    """Everything between the workers, made before any of them. Raises LinkError when it cannot be had."""
    sockets = _sockets(plan)
    rings = _rings(plan, routes)
    slot_plans = tuple(_slot_plans(graph, plan, routes, frozenset(sockets)))
    if not sockets:
        return HostMemory(len(plan.workers), rings, slot_plans)
    from rlreactor.links.mixed_meeting import MixedMeeting  # loads ZeroMQ: 20 ms that most runs need not wait for

    return MixedMeeting(len(plan.workers), rings, slot_plans, sockets, _audiences(plan, routes))


def lay_out_here(graph: Graph, plan: Plan, routes: Routes, site: Site) -> MixedMeeting:
    """The part of one host of several. Raises LinkError when it cannot be had."""
    from rlreactor.links.mixed_meeting import MixedMeeting

    sockets = _sockets(plan)
    for link in permutations(range(len(plan.workers)), 2):
        if (link[0] in site.here) != (link[1] in site.here):
            sockets[link] = "tcp"
    slot_plans = tuple(_slot_plans(graph, plan, routes, frozenset(sockets)))
    audiences = _audiences(plan, routes)
    return MixedMeeting(len(plan.workers), _rings(plan, routes), slot_plans, sockets, audiences, site)


def _rings(plan: Plan, routes: Routes) -> dict[tuple[int, int], int]:
    """Bytes of the ring, or the window, between any two workers, each way."""
    joined = {(routes.home[path], reader) for path, readers in routes.readers.items() for reader in readers}
    windows = {frozenset(link.workers): link.window for link in plan.links}
    pairs = permutations(range(len(plan.workers)), 2)
    return {
        pair: (windows.get(frozenset(pair)) or ring_capacity) if pair in joined else stop_ring_capacity
        for pair in pairs
    }


def _audiences(plan: Plan, routes: Routes) -> list[dict[int, int]]:
    return [routes.audience(worker.index) for worker in plan.workers]


def _sockets(plan: Plan) -> dict[tuple[int, int], Literal["ipc", "tcp"]]:
    """The links that go over sockets, each way."""
    found: dict[tuple[int, int], Literal["ipc", "tcp"]] = {}
    for link in plan.links:
        one, other = link.workers
        if link.carrier != "memory":
            found[one, other] = found[other, one] = link.carrier
    return found


def _slot_plans(graph: Graph, plan: Plan, routes: Routes, sockets: frozenset[tuple[int, int]]) -> list[SlotPlan]:
    """The ports whose values lie in slots, and which of their readers need slots of their own."""
    order = root_ports(graph)
    found: list[SlotPlan] = []
    for edge in plan.edges:
        if edge.slots:
            writer, readers = routes.home[edge.source], routes.readers[edge.source]
            near = tuple(r for r in readers if (writer, r) not in sockets)
            distant = tuple(r for r in readers if (writer, r) in sockets)
            spec, number = graph.ports[edge.source].spec, order.index(edge.source)
            found.append(SlotPlan(edge.source, spec, writer, near, edge.slots, distant, number))
    return found
