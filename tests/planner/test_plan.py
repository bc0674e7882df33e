"""The plan as a value: YAML and back, lookups, the table."""

import pytest

from rlreactor import PlanError, check, plan
from rlreactor.planner.fit import check_fit
from rlreactor.planner.machine import Machine
from rlreactor.planner.plan import EdgePlan, Plan, WorkerPlan

from .topologies import Lagging, Train

MACHINE = Machine.made_up(2)


def test_yaml_round_trip() -> None:
    made = plan(Lagging(rollouts=3, size=5000, ahead=2, costs={"learner": 0.25}), Machine.made_up(4))
    assert Plan.from_yaml(made.to_yaml()) == made


def test_yaml_is_readable() -> None:
    assert plan(Train(rollouts=1), MACHINE, workers=2).to_yaml() == GOLDEN_YAML


GOLDEN_YAML = """\
topology: tests.planner.topologies:Train
workers:
- index: 0
  reactors:
  - ''
  - actors[0]
  cores:
  - 0
  threads: 1
  gpus: []
  load: null
  host: null
- index: 1
  reactors:
  - learner
  cores:
  - 1
  threads: 1
  gpus: []
  load: null
  host: null
edges:
- source: actors[0].batch
  worker: 0
  readers:
  - 1
  carrier: inline
  slots: 0
  slot_bytes: 0
  message_bytes: 64
- source: learner.weights
  worker: 1
  readers:
  - 0
  carrier: inline
  slots: 0
  slot_bytes: 0
  message_bytes: 64
links: []
memory_bytes: 270336
notes: []
prediction: null
profile: null
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("workers: 3", "not a plan: topology: Field required; workers: Input should be a valid tuple"),
        ("- 1", "not a plan: the whole file: Input should be a valid dictionary or instance of Plan"),
        (
            GOLDEN_YAML.replace("- 1\n  threads: 1", "- one\n  threads: 1"),
            "not a plan: workers[1].cores[0]: Input should be a valid integer, unable to parse string as an integer",
        ),
        (
            GOLDEN_YAML.replace("notes:", "remarks:"),
            "not a plan: remarks: Extra inputs are not permitted",
        ),
        (
            GOLDEN_YAML.replace("index: 1", "index: 2"),
            "not a plan: the whole file: Value error, workers[1].index: expected 1, received 2",
        ),
    ],
)
def test_from_yaml_says_what_is_wrong_and_where(text: str, message: str) -> None:
    with pytest.raises(PlanError) as error:
        Plan.from_yaml(text)
    assert str(error.value) == message


def test_from_yaml_refuses_what_is_no_yaml() -> None:
    with pytest.raises(PlanError, match="not a plan, because not YAML: "):
        Plan.from_yaml("topology: [")


def test_worker_of() -> None:
    made = plan(Train(), MACHINE)
    assert [made.worker_of(path) for path in ("", "actors[0]", "actors[3]", "learner")] == [0, 0, 1, 0]
    with pytest.raises(PlanError) as error:
        made.worker_of("lerner")
    assert str(error.value) == (
        "the plan of tests.planner.topologies:Train has no reactor 'lerner'; did you mean 'learner'?"
    )


def test_table() -> None:
    made = plan(
        Lagging(rollouts=16, size=5000, costs={"learner": 0.25}),
        Machine.made_up(2),
        costs={f"actors[{i}]": 0.001 for i in range(16)} | {"evaluator": 1e-6},
    )
    assert str(made) == (
        """\
tests.planner.topologies:Lagging: 19 reactors on 2 workers, 9 edges between workers

worker  cores  threads  gpus  load    reactors
0       0      1        -     258 ms  (topology), actors[0…7], learner
1       1      1        -     8 ms    actors[8…15], evaluator

edge                from  to  carrier  slots  message    reserved
actors[8…15].batch  1     0   slots    2      19.56 KiB  40 KiB
learner.weights     0     1   slots    4      19.56 KiB  80 KiB

shared memory: 660 KiB

predicted: unknown; rlreactor plan --profile measures what it takes to predict"""
    )


def test_check_fit_accepts_its_own_plan() -> None:
    for workers in (1, 2, 5):
        check_fit(plan(Train(), MACHINE, workers), check(Train()))


def test_check_fit_refuses_a_plan_of_something_else() -> None:
    with pytest.raises(PlanError) as error:
        check_fit(plan(Train(rollouts=2), MACHINE), check(Lagging(rollouts=4)))
    assert str(error.value) == (
        "the plan of tests.planner.topologies:Train does not fit tests.planner.topologies:Lagging: no worker has "
        "'actors[2]', 'actors[3]', 'evaluator'. Make a new one with rlreactor.plan(topology)"
    )


def test_check_fit_refuses_an_edited_plan() -> None:
    edited = Plan(
        topology="here",
        workers=(
            WorkerPlan(index=0, reactors=("", "actors[0]"), cores=(0,)),
            WorkerPlan(index=1, reactors=("learner",), cores=(1,)),
        ),
        edges=(EdgePlan(source="learner.weights", worker=0, readers=(1,), carrier="inline"),),
    )
    with pytest.raises(PlanError) as error:
        check_fit(edited, check(Train(rollouts=1)))
    assert str(error.value) == (
        "the plan of here does not fit tests.planner.topologies:Train: between workers, but not among its edges: "
        "'actors[0].batch'; other workers write or read 'learner.weights'. Make a new one with rlreactor.plan(topology)"
    )


def test_check_fit_refuses_a_plan_that_separates_what_belongs_together() -> None:
    apart = plan(Train(rollouts=2), MACHINE)
    with pytest.raises(PlanError) as error:
        check_fit(apart, check(Train(rollouts=2, together={"learner": "actors[1]"})))
    assert str(error.value) == (
        "the plan of tests.planner.topologies:Train does not fit tests.planner.topologies:Train: 'learner' belongs "
        "with 'actors[1]', which is on worker 1, and not on worker 0. Make a new one with rlreactor.plan(topology)"
    )
