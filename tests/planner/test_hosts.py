"""Plans over several hosts."""

from __future__ import annotations

from itertools import combinations

import pytest

from rlreactor import Plan, PlanError, Reactor, check
from rlreactor.planner.fit import check_fit
from rlreactor.planner.hosts import PlannedHost, plan_over
from rlreactor.planner.machine import Network

from .profiles import made_up
from .topologies import Train

GIB = 1 << 30


def host(name: str, cores: int = 4, *, memory: int = 8 * GIB, gpus: int = 0, **more: object) -> PlannedHost:
    return PlannedHost.model_validate({"name": name, "cores": cores, "memory": memory, "gpus": gpus, **more})


def planned(topology: Reactor, *hosts: PlannedHost) -> Plan:
    graph = check(topology)
    plan = plan_over(graph, hosts)
    check_fit(plan, graph)
    return plan


def graphical(rollouts: int) -> Train:
    """Every actor wants a GPU."""
    return Train(rollouts=rollouts, gpus={f"actors[{i}]": 1 for i in range(rollouts)})


def reactors(plan: Plan, name: str) -> set[str]:
    return {path for worker in plan.hosts[name] for path in plan.workers[worker].reactors}


def test_every_host_has_something_to_do_and_workers_are_numbered_by_host() -> None:
    plan = planned(Train(rollouts=8), host("a"), host("b"), host("c"))
    assert list(plan.hosts) == ["a", "b", "c"]
    assert [worker for own in plan.hosts.values() for worker in own] == list(range(len(plan.workers)))


def test_workers_are_in_proportion_to_cores() -> None:
    plan = planned(Train(rollouts=32), host("small", 2), host("large", 6))
    assert {name: len(own) for name, own in plan.hosts.items()} == {"small": 2, "large": 6}


def test_the_number_of_workers_may_be_given() -> None:
    plan = planned(Train(rollouts=8), host("a", workers=1), host("b", workers=2))
    assert plan.hosts == {"a": (0,), "b": (1, 2)}


def test_cores_and_gpus_are_positions_on_the_host() -> None:
    plan = planned(graphical(4), host("a", 2, gpus=2), host("b", 2, gpus=2))
    for own in plan.hosts.values():
        assert sorted(core for w in own for core in plan.workers[w].cores) == [0, 1]
        assert sorted(gpu for w in own for gpu in plan.workers[w].gpus) == [0, 1]


def test_hosts_are_linked_by_tcp_and_workers_of_one_share_memory() -> None:
    plan = planned(Train(rollouts=8), host("a", 2), host("b", 2))
    apart = {(a.index, b.index) for a, b in combinations(plan.workers, 2) if a.host != b.host}
    assert {link.workers for link in plan.links} == apart
    assert {link.carrier for link in plan.links} == {"tcp"}


def test_one_host_needs_no_links() -> None:
    assert planned(Train(rollouts=4), host("a")).links == ()


def test_a_reactor_is_on_the_host_that_it_names() -> None:
    plan = planned(
        Train(rollouts=8, hosts={"learner": "learner"}),
        host("actors-0", kin="actors"),
        host("actors-1", kin="actors"),
        host("learner"),
    )
    assert "learner" in reactors(plan, "learner")


def test_a_reactor_may_be_on_any_host_of_a_kind() -> None:
    plan = planned(Train(rollouts=3, hosts={"learner": "b"}), host("a"), host("b-0", kin="b"), host("b-1", kin="b"))
    assert "learner" in reactors(plan, "b-0") | reactors(plan, "b-1")


def test_gpus_decide_the_host() -> None:
    plan = planned(graphical(3), host("a"), host("b", gpus=1), host("c", gpus=2))
    assert len(reactors(plan, "b") & {"actors[0]", "actors[1]", "actors[2]"}) == 1
    assert len(reactors(plan, "c") & {"actors[0]", "actors[1]", "actors[2]"}) == 2


def test_a_host_too_many_is_named() -> None:
    plan = planned(Train(rollouts=1), host("a"), host("b"), host("c", workers=1))
    used = set(plan.hosts)
    assert [f"host {name!r} has nothing to do" for name in ("a", "b", "c") if name not in used] == list(plan.notes)[-1:]


def test_notes_speak_of_hosts() -> None:
    assert planned(Train(rollouts=2), host("a"), host("b")).notes == (
        "2 workers on 8 cores: at most 2 of the 3 reactors can run at the same time; `workers` of a host asks for more",
    )


def test_the_same_again() -> None:
    hosts = (host("a", 3), host("b", 5))
    assert planned(Train(rollouts=9), *hosts) == planned(Train(rollouts=9), *hosts)
    assert planned(Train(rollouts=9), *hosts) != planned(Train(rollouts=8), *hosts)


def test_it_survives_being_written() -> None:
    plan = planned(Train(rollouts=4), host("a"), host("b"))
    assert Plan.from_yaml(plan.to_yaml()) == plan


def test_many_hosts() -> None:
    plan = planned(Train(rollouts=120), *(host(f"h-{i}", 16) for i in range(8)))
    assert [len(own) for own in plan.hosts.values()] == [15] * 8
    assert len(plan.links) == 8 * 7 // 2 * 15 * 15


def test_a_profile_predicts_the_network_too() -> None:
    graph = check(Train(rollouts=4, size=1_000_000))
    known = made_up(graph, {"actors[].collect": 1e-3, "learner.learn": 1e-3})
    (one, two) = (
        plan_over(graph, hosts, profile=known).prediction
        for hosts in ([host("a", 4)], [host("a", 2, workers=2), host("b", 2, workers=2)])
    )
    assert one is not None
    assert two is not None
    assert two.ticks_per_second < one.ticks_per_second  # 4 MB take 3 ms at 10 Gbit/s
    fast = Network(bandwidth=1e15, latency=0)
    hosts = [host("a", 2, workers=2), host("b", 2, workers=2)]
    unlimited = plan_over(graph, hosts, profile=known, network=fast).prediction
    assert unlimited is not None
    assert unlimited.ticks_per_second > two.ticks_per_second


@pytest.mark.parametrize(
    ("topology", "hosts", "message"),
    [
        (
            Train(hosts={"learner": "larner"}),
            [host("learner")],
            r"learner must be on host 'larner', but there is none; did you mean 'learner'\?",
        ),
        (
            Train(hosts={"learner": "learner"}, threads={"learner": 9}),
            [host("learner", 8), host("big", 16)],
            r"learner: threads=9, but of the hosts it may be on none has more than the 8 cores of 'learner'; ask for "
            r"fewer threads, or give a host more cores",
        ),
        (
            Train(hosts={"learner": "learner"}, gpus={"learner": 2}),
            [host("learner", gpus=1), host("other", gpus=1)],
            r"learner: gpu=2, but no host that it may be on has so many left \(learner: 1 of 1\); lower gpu=, or give "
            r"a host more GPUs",
        ),
        (
            graphical(4),
            [host("a", gpus=1), host("b", gpus=1)],
            r"4 GPUs asked for \(.*\), but the 2 hosts together have 2; lower gpu=",
        ),
        (
            Train(rollouts=4),
            [host("a"), host("b", memory=100_000)],
            r"the edges between workers need .* of shared memory, but host 'b' has 100,000 bytes",
        ),
    ],
)
def test_what_cannot_be(topology: Reactor, hosts: list[PlannedHost], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        planned(topology, *hosts)
