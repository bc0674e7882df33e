"""From the plan to what the workers meet in: which of them share memory, what lies there, and the sockets between."""

from __future__ import annotations

from typing import Literal

from rlreactor.graph import Graph
from rlreactor.links.carrier import Meeting
from rlreactor.links.host_memory import HostMemory, SlotPlan
from rlreactor.planner.memory import ring_capacity, stop_ring_capacity
from rlreactor.planner.plan import Plan
from rlreactor.scheduler.binding import root_ports
from rlreactor.scheduler.routes import Routes

__all__ = ["lay_out"]


def lay_out(graph: Graph, plan: Plan, routes: Routes) -> Meeting:
    """Everything between the workers, made before any of them. Raises LinkError when it cannot be had."""
    workers = range(len(plan.workers))
    sockets = _sockets(plan)
    joined = {(routes.home[path], reader) for path, readers in routes.readers.items() for reader in readers}
    rings = {
        (a, b): ring_capacity if (a, b) in joined else stop_ring_capacity for a in workers for b in workers if a != b
    }
    slot_plans = tuple(_slot_plans(graph, plan, routes, frozenset(sockets)))
    if not sockets:
        return HostMemory(len(workers), rings, slot_plans)
    from rlreactor.links.mixed_meeting import MixedMeeting  # loads ZeroMQ: 20 ms that most runs need not wait for

    return MixedMeeting(len(workers), rings, slot_plans, sockets, [routes.audience(w) for w in workers])


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
