"""Constraints: honoured, or refused with the numbers."""

from typing import Any

import pytest

from rlreactor import PlanError, Reactor, plan
from rlreactor.planner.machine import Machine

from .topologies import Chain, Lagging, Pairs, Placed, Train


def refusal(topology: Reactor, machine: Machine) -> str:
    with pytest.raises(PlanError) as error:
        plan(topology, machine)
    return str(error.value)


def test_with_shares_a_worker() -> None:
    made = plan(Train(together={"actors[0]": "actors[3]", "learner": "actors[3]"}), Machine.made_up(2))
    assert [worker.reactors for worker in made.workers] == [
        ("", "actors[0]", "actors[3]", "learner"),
        ("actors[1]", "actors[2]"),
    ]


def test_with_names_a_neighbour_in_its_own_container() -> None:
    made = plan(Pairs(count=3), Machine.made_up(3))
    for i in range(3):
        assert made.worker_of(f"pairs[{i}].environment") == made.worker_of(f"pairs[{i}].policy")


def test_with_itself_means_nothing() -> None:
    alone, told = (plan(Train(together=t), Machine.made_up(2)) for t in ({}, {"learner": "learner"}))
    assert alone == told


def test_gpus_are_dealt_to_the_workers_that_need_them() -> None:
    made = plan(Train(rollouts=3, gpus={"learner": 2, "actors[1]": 1}), Machine.made_up(3, gpus=3))
    assert {path: made.workers[made.worker_of(path)].gpus for path in ("learner", "actors[1]", "actors[2]")} == {
        "learner": (0, 1),
        "actors[1]": (2,),
        "actors[2]": (),
    }


def test_threads_are_those_of_the_widest_reactor() -> None:
    made = plan(Lagging(rollouts=2, ahead=1, threads={"learner": 4}), Machine.made_up(8))
    threads = {worker.reactors[-1]: (worker.threads, worker.cores) for worker in made.workers}
    assert threads == {
        "actors[0]": (1, (4,)),
        "actors[1]": (1, (5,)),
        "learner": (4, (0, 1, 2, 3)),
        "evaluator": (1, (6,)),
    }


def test_threads_that_need_more_cores_than_there_are_share_them() -> None:
    made = plan(Train(rollouts=4, threads={"learner": 4}), Machine.made_up(4))
    assert [worker.cores for worker in made.workers] == [(0, 1, 2, 3), (0,), (1,), (2,)]
    assert made.notes == ("4 workers with 7 threads on 4 cores, so nobody spins while it waits",)


def test_a_host_is_mentioned() -> None:
    made = plan(Train(hosts={"learner": "big"}), Machine.made_up(2))
    assert made.notes == ("host='big' changes nothing: this plan is for one machine",)


class Inner(Placed):
    """Places a container that has no reactions, and what `with_` may name."""

    with_: str = ""

    def compose(self) -> None:
        self.chain = Chain(stages=2)
        self.other = Train(rollouts=1)
        if self.with_:
            self.place(self.chain, with_=self.with_)


@pytest.mark.parametrize(
    ("topology", "message"),
    [
        (
            Train(together={"learner": "actor[1]"}),
            "learner: with_='actor[1]' names no reactor; did you mean 'actors[1]'?",
        ),
        (
            Train(hosts={"learner": "big", "actors[0]": "small"}, together={"actors[0]": "learner"}),
            "learner must be on host 'big' and actors[0] on host 'small', but with_= puts both on one worker; remove "
            "one of the three",
        ),
        (
            Train(gpus={"learner": 1}),
            "1 GPU asked for (learner: 1), but this machine has 0; lower gpu=, or plan for a machine that has them",
        ),
        (
            Train(rollouts=6, gpus={f"actors[{i}]": 2 for i in range(6)}),
            "12 GPUs asked for (actors[0]: 2, actors[1]: 2, actors[2]: 2, actors[3]: 2, …), but this machine has 0; "
            "lower gpu=, or plan for a machine that has them",
        ),
        (
            Train(threads={"learner": 3}),
            "learner: threads=3, but this machine has 2 usable cores; ask for 2 or fewer",
        ),
        (
            Train(threads={"learner": 0}),
            "learner: threads: expected an int of 1 or more, received 0",
        ),
        (
            Train(gpus={"learner": -1}),
            "learner: gpu: expected an int of 0 or more, received -1",
        ),
        (
            Train(costs={"learner": -1.0}),
            "cost of 'learner': expected seconds of computing per tick, 0 or more, received -1.0",
        ),
        (
            Inner(with_="other"),
            "place of chain: chain has no reactions, so it runs nowhere; place what it contains: chain.source, "
            "chain.stage[0], chain.stage[1]",
        ),
        (
            Train(together={"learner": ""}),
            "learner: with_='': the topology has no reactions, so it runs nowhere; place what it contains: actors[0], "
            "actors[1], actors[2]",
        ),
    ],
)
def test_refusals(topology: Reactor, message: str) -> None:
    assert refusal(topology, Machine.made_up(2)) == message


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ({"lerner": 1.0}, "costs: the topology has no reactor 'lerner'; did you mean 'learner'?"),
        (
            {"learner": float("nan")},
            "cost of 'learner': expected seconds of computing per tick, 0 or more, received nan",
        ),
    ],
)
def test_measured_costs_that_make_no_sense(costs: Any, message: str) -> None:
    with pytest.raises(PlanError) as error:
        plan(Train(), Machine.made_up(2), costs=costs)
    assert str(error.value) == message
