"""Carriers, slots and bytes of the edges between workers."""

import pytest

from rlreactor import PlanError, Reactor, check, plan
from rlreactor.links.host_memory import HostMemory, SlotPlan
from rlreactor.planner.links import LinkCarrier
from rlreactor.planner.machine import Machine
from rlreactor.planner.memory import inline_limit, ring_capacity, slot_bytes, slots_of, stop_ring_capacity
from rlreactor.planner.plan import Plan
from rlreactor.planner.rates import in_flight
from rlreactor.tag import NO_DELAY, TICK, Delay, ms

from .topologies import Chain, Lagging, Rally, SelfDriven, Train


@pytest.mark.parametrize(
    ("topology", "port", "slots"),
    [
        (Train(size=5000), "actors[0].batch", 2),
        (Train(size=5000), "learner.weights", 3),  # no timer drives it: one message under way
        (Train(size=3), "learner.weights", 0),  # small: inline
        (Lagging(size=5000), "learner.weights", 4),  # held, and one tick under way
        (Lagging(size=5000, ahead=3), "learner.weights", 7),
        (Lagging(size=5000, ahead=1000), "learner.weights", 67),  # never more than 64 under way
        (SelfDriven(), "ticker.out", 7),
        (SelfDriven(step=ms(1), after=ms(2) + 1), "ticker.out", 5),
        (Chain(), "source.out", 0),  # of no fixed size
    ],
)
def test_slots(topology: Reactor, port: str, slots: int) -> None:
    assert slots_of(check(topology), port) == slots


def test_slot_bytes_are_whole_pages_beyond_the_inline_limit() -> None:
    sizes = {size: slot_bytes(check(Train(size=size)), "learner.weights") for size in (1, 1024, 1025, 2048, 2049)}
    assert inline_limit == 4096
    assert sizes == {1: 0, 1024: 0, 1025: 8192, 2048: 8192, 2049: 12288}


@pytest.mark.parametrize(
    ("delay", "period", "count"),
    [
        (NO_DELAY, TICK, 0),
        (Delay(0, 1), TICK, 1),
        (Delay(0, 1), None, 1),
        (Delay(ms(5), 0), None, 1),
        (Delay(ms(5), 0), ms(2), 3),
        (Delay(ms(5), 0), ms(5), 1),
        (Delay(ms(5), 0), TICK, 64),
    ],
)
def test_in_flight(delay: Delay, period: int | None, count: int) -> None:
    assert in_flight(delay, period) == count


def laid_out(made: Plan, topology: Reactor) -> int:
    """What the links really reserve."""
    graph = check(topology)
    joined = {(edge.worker, reader) for edge in made.edges for reader in edge.readers}
    workers = range(len(made.workers))
    rings = {
        (a, b): ring_capacity if (a, b) in joined else stop_ring_capacity for a in workers for b in workers if a != b
    }
    slots = tuple(
        SlotPlan(e.source, graph.ports[e.source].spec, e.worker, e.readers, e.slots) for e in made.edges if e.slots
    )
    memory = HostMemory(len(made.workers), rings, slots)
    memory.close()
    return memory.nbytes


@pytest.mark.parametrize("workers", [2, 3, 5])
@pytest.mark.parametrize("topology", [Train(), Train(size=5000), Lagging(size=100_000, ahead=2), Chain(stages=5)])
def test_memory_is_what_the_links_reserve(topology: Reactor, workers: int) -> None:
    made = plan(topology, Machine.made_up(8), workers)
    assert made.memory_bytes == laid_out(made, topology)


def test_one_worker_shares_nothing() -> None:
    assert plan(Rally(), Machine.made_up(8)).memory_bytes == 0


def test_more_memory_than_there_is() -> None:
    with pytest.raises(PlanError) as error:
        plan(Lagging(rollouts=4, size=1 << 20, ahead=10), Machine.made_up(2, memory=32 << 20))
    assert str(error.value) == (
        "the edges between workers need 75,763,712 bytes (72.3 MiB) of shared memory, but the machine has 33,554,432 "
        "bytes (32.0 MiB) to give. Most is needed by learner.weights: 14 slots of 4,194,304 bytes (4.0 MiB); "
        "actors[2].batch: 2 slots of 4,194,304 bytes (4.0 MiB); actors[3].batch: 2 slots of 4,194,304 bytes (4.0 "
        "MiB). Use smaller specs, a smaller lag (after=), or fewer workers"
    )


@pytest.mark.parametrize(("size", "more"), [(5000, 6), (1 << 19, 4), (4 << 20, 2)])
@pytest.mark.parametrize("carrier", ["ipc", "tcp"])
def test_more_values_exist_at_once_where_some_are_on_the_line(carrier: LinkCarrier, size: int, more: int) -> None:
    """A value over TCP waits for neither the one before it nor the news that it was read."""
    carriers: list[LinkCarrier] = ["memory", carrier]
    near, far = (plan(Train(size=size), Machine.made_up(4), workers=2, carrier=c) for c in carriers)
    slots = {edge.source: edge.slots for edge in near.edges}
    found = [edge.slots - slots[edge.source] for edge in far.edges if edge.slot_bytes >= size]
    assert found
    assert set(found) == {more}
    assert far.memory_bytes > near.memory_bytes
