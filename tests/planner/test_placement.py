"""Who lives where: whole plans on machines that are not there."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlreactor import Plan, PlanError, Reactor, check, plan
from rlreactor.planner.flows import flows
from rlreactor.planner.machine import Machine
from rlreactor.planner.plan import EdgePlan, WorkerPlan

from .topologies import Chain, Clocks, Lagging, Overseer, Pairs, Rally, Train


def places(made: Plan) -> list[tuple[str, ...]]:
    """The reactors of every worker."""
    return [worker.reactors for worker in made.workers]


def test_the_example_on_two_workers() -> None:
    assert plan(Train(), Machine.made_up(2)) == Plan(
        topology="tests.planner.topologies:Train",
        workers=(
            WorkerPlan(index=0, reactors=("", "actors[0]", "actors[1]", "learner"), cores=(0,)),
            WorkerPlan(index=1, reactors=("actors[2]", "actors[3]"), cores=(1,)),
        ),
        edges=(
            EdgePlan(source="actors[2].batch", worker=1, readers=(0,), carrier="inline", message_bytes=64),
            EdgePlan(source="actors[3].batch", worker=1, readers=(0,), carrier="inline", message_bytes=64),
            EdgePlan(source="learner.weights", worker=0, readers=(1,), carrier="inline", message_bytes=64),
        ),
        memory_bytes=270336,
    )


def test_the_learner_works_while_the_rollouts_wait() -> None:
    made = plan(Train(rollouts=4), Machine.made_up(16))
    assert places(made) == [("", "actors[0]", "learner"), ("actors[1]",), ("actors[2]",), ("actors[3]",)]
    assert made.notes == (
        "4 workers on 16 cores: at most 4 of the 5 reactors can run at the same time; workers= asks for more",
    )


def test_banks_are_split_into_even_contiguous_blocks() -> None:
    made = plan(Train(rollouts=16), Machine.made_up(5))
    blocks = [[i for i in range(16) if made.worker_of(f"actors[{i}]") == w] for w in range(5)]
    assert blocks == [[0, 1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12], [13, 14, 15]]


def test_the_hub_joins_the_worker_that_saves_most_traffic() -> None:
    made = plan(Train(rollouts=5), Machine.made_up(2))
    assert places(made) == [("", "actors[0]", "actors[1]", "actors[2]", "learner"), ("actors[3]", "actors[4]")]


def test_without_lag_the_evaluator_overlaps_but_the_learner_does_not() -> None:
    made = plan(Lagging(rollouts=2), Machine.made_up(8))
    assert places(made) == [("", "actors[0]", "learner"), ("actors[1]",), ("evaluator",)]


def test_with_lag_the_learner_overlaps_and_gets_a_worker() -> None:
    made = plan(Lagging(rollouts=2, ahead=1), Machine.made_up(8))
    assert places(made) == [("", "actors[0]"), ("actors[1]",), ("learner",), ("evaluator",)]


def test_with_lag_totals_are_balanced() -> None:
    costs = {"learner": 4.0, "evaluator": 0.0} | {f"actors[{i}]": 1.0 for i in range(4)}
    made = plan(Lagging(rollouts=4, ahead=1), Machine.made_up(2), costs=costs)
    assert [worker.load for worker in made.workers] == [4.0, 4.0]
    assert made.worker_of("learner") not in {made.worker_of(f"actors[{i}]") for i in range(4)}


def test_without_lag_every_level_is_balanced_whatever_the_learner_costs() -> None:
    costs = {"learner": 100.0, "evaluator": 0.0} | {f"actors[{i}]": 1.0 for i in range(4)}
    made = plan(Lagging(rollouts=4), Machine.made_up(2), costs=costs)
    assert [made.worker_of(f"actors[{i}]") for i in range(4)] == [0, 0, 1, 1]


@pytest.mark.parametrize("topology", [Chain(), Rally()])
def test_where_only_one_can_run_at_once_one_worker_is_enough(topology: Reactor) -> None:
    assert len(plan(topology, Machine.made_up(8)).workers) == 1


def test_who_asks_for_workers_gets_them_none_empty_and_evenly_filled() -> None:
    made = plan(Chain(stages=5), Machine.made_up(8), workers=3)
    assert places(made) == [("", "source", "stage[0]"), ("stage[1]", "stage[2]"), ("stage[3]", "stage[4]")]


def test_independent_reactors_take_as_many_workers_as_there_are_cores() -> None:
    made = plan(Clocks(count=5), Machine.made_up(3))
    assert places(made) == [("", "clock[0]", "clock[1]"), ("clock[2]", "clock[3]"), ("clock[4]",)]


def test_heavy_reactors_are_spread() -> None:
    costs = {"clock[0]": 3.0, "clock[1]": 1.0, "clock[2]": 1.0, "clock[3]": 1.0}
    made = plan(Clocks(count=4), Machine.made_up(2), costs=costs)
    assert [worker.load for worker in made.workers] == [3.0, 3.0]


def test_pairs_that_talk_stay_together_without_being_told() -> None:
    made = plan(Pairs(count=5, together=False), Machine.made_up(2))
    homes = [(made.worker_of(f"pairs[{i}].environment"), made.worker_of(f"pairs[{i}].policy")) for i in range(5)]
    assert homes == [(0, 0), (0, 0), (1, 1), (1, 1), (1, 1)]


def test_a_reaction_of_the_container_talks_to_what_it_contains() -> None:
    made = plan(Overseer(), Machine.made_up(2), workers=2)
    assert places(made) == [("",), ("stage",)]
    assert [(edge.source, edge.worker, edge.readers) for edge in made.edges] == [
        ("stage.into", 0, (1,)),
        ("stage.out", 1, (0,)),
    ]


def test_a_topology_without_reactions_runs_on_one_worker() -> None:
    assert places(plan(Reactor(), Machine.made_up(4))) == [("",)]


def test_load_is_known_only_where_every_cost_is() -> None:
    costs = {"actors[0]": 0.5, "learner": 0.25, "actors[1]": 0.5}
    made = plan(Train(rollouts=3), Machine.made_up(3), costs=costs)
    assert [worker.load for worker in made.workers] == [0.75, 0.5, None]


def test_measured_costs_go_before_declared_ones() -> None:
    made = plan(Clocks(count=1), Machine.made_up(1), costs={"clock[0]": 2.0})
    assert made.workers[0].load == 2.0
    declared = Train(rollouts=1, costs={"learner": 1.0, "actors[0]": 1.0})
    assert plan(declared, Machine.made_up(1), costs={"learner": 2.0}).workers[0].load == 3.0


def test_more_workers_than_reactors() -> None:
    made = plan(Train(), Machine.made_up(8), workers=9)
    assert len(made.workers) == 5
    assert made.notes == ("asked for 9 workers, but only 5 reactors have reactions: 5 used",)


def test_more_workers_than_groups() -> None:
    made = plan(Train(rollouts=2, together={"learner": "actors[1]"}), Machine.made_up(8), workers=3)
    assert places(made) == [("", "actors[0]"), ("actors[1]", "learner")]
    assert made.notes == (
        "asked for 3 workers, but only 3 reactors have reactions, and with_= leaves 2 groups of them: 2 used",
    )


def test_more_workers_than_cores() -> None:
    made = plan(Clocks(count=3), Machine.made_up(2), workers=3)
    assert [worker.cores for worker in made.workers] == [(0,), (1,), (0,)]
    assert made.notes == ("3 workers on 2 cores, so nobody spins while it waits",)


def test_same_arguments_same_plan() -> None:
    plans = {plan(Lagging(rollouts=13, ahead=1), Machine.made_up(6)).to_yaml() for _ in range(10)}
    assert len(plans) == 1


@pytest.mark.parametrize("machine", [Machine.made_up(2), Machine.made_up(64)])
@pytest.mark.parametrize("topology", [Train(rollouts=1000), Clocks(count=1000), Pairs(count=500), Chain(stages=1000)])
def test_a_thousand_reactors_within_two_seconds(topology: Reactor, machine: Machine) -> None:
    graph = check(topology)
    start = time.perf_counter()
    plan(graph, machine, workers=len(machine.cores))
    assert time.perf_counter() - start < 2


@settings(max_examples=60, deadline=None)
@given(
    topology=st.one_of(
        st.builds(Train, rollouts=st.integers(1, 9)),
        st.builds(Lagging, rollouts=st.integers(1, 9), ahead=st.integers(0, 3), size=st.sampled_from((3, 5000))),
        st.builds(Chain, stages=st.integers(1, 6)),
        st.builds(Pairs, count=st.integers(1, 5), together=st.booleans()),
        st.builds(Overseer),
        st.builds(Clocks, count=st.integers(1, 6)),
    ),
    cores=st.integers(1, 8),
    workers=st.one_of(st.none(), st.integers(1, 12)),
    cost=st.floats(0.01, 100),
)
def test_every_reactor_has_one_worker_and_every_crossing_an_edge(
    topology: Reactor, cores: int, workers: int | None, cost: float
) -> None:
    graph = check(topology)
    made = plan(graph, Machine.made_up(cores), workers, costs={graph.reactions[0].reactor: cost})
    assert sorted(path for reactors in places(made) for path in reactors) == sorted(graph.reactors)
    assert all(worker.reactors and worker.cores for worker in made.workers)
    crossing = {
        (flow.source, made.worker_of(flow.writer), made.worker_of(flow.reader))
        for flow in flows(graph)
        if made.worker_of(flow.writer) != made.worker_of(flow.reader)
    }
    assert crossing == {(edge.source, edge.worker, reader) for edge in made.edges for reader in edge.readers}


@pytest.mark.parametrize("workers", [0, -3, 1.5, True, "2"])
def test_a_number_of_workers_that_is_none(workers: int) -> None:
    with pytest.raises(PlanError) as error:
        plan(Train(), Machine.made_up(2), workers)
    assert str(error.value) == f"workers: expected an int of 1 or more, received {workers!r}"
