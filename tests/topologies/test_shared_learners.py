"""Several learners: the same bits wherever they are, by gloo between processes; and how it ends when one does not come.

Torch is loaded here, once, and not in every worker of every run.
"""

from __future__ import annotations

import os
import re
import signal
import time
from typing import Any

import pytest
import torch.distributed
from torch._C._distributed_c10d import HashStore

from rlreactor import Reactor, Result, RunError, TopologyError, run
from rlreactor.reactors.invitation import Door
from rlreactor.reactors.process_group import Bounds, ProcessGroup
from rlreactor.runtime.metrics import Metric
from rlreactor.runtime.result import Interrupt
from rlreactor.topologies.on_policy import OnPolicy

from ..deployment.forked import deploy_here
from ..placements import placed
from ..watchdog import watched
from .shared_training import Training, Troubled, parameters, weights

assert torch.distributed.is_available()
ROLLOUTS = 6


def apart(learners: int, workers: int) -> dict[str, int]:
    """Learner i on worker i, its neighbour's rollout beside it, all others on the first one."""
    where = {f"learner_bank[{i}]": i % workers for i in range(learners)}
    return where | {f"actors[{i}]": (i + 1) % workers for i in range(learners)}


def trained(learners: int, workers: int, **options: Any) -> Result:
    topology = Training(**parameters(learners, **options))
    with watched(40):
        return run(topology, plan=placed(topology, apart(learners, workers)), timeout=topology.ticks, seed=3)


@pytest.mark.parametrize("learners", [2, 3])
def test_the_same_bits_on_any_number_of_workers(learners: int) -> None:
    """By gloo where there is more than one worker: torch.distributed has as many members as workers have learners."""
    results = {workers: trained(learners, workers) for workers in (1, 2, 3)}
    assert len({result.fingerprint for result in results.values()}) == 1
    assert len(set[str]().union(*(weights(result, learners) for result in results.values()))) == 1
    for workers, result in results.items():
        members = min(workers, learners)
        told = [result.state(f"learner_bank[{i}]")["told"] for i in range(learners)]
        assert told == [["gloo", members, i % members] if workers > 1 else [] for i in range(learners)]
        first = result.state("learner_bank[0]")
        assert (first["update"], first["env_steps"]) == (3, 3 * 16 * ROLLOUTS * 2)


@pytest.mark.skipif(torch.cuda.is_available(), reason="NCCL can join them here")
def test_learners_on_gpus_ask_for_nccl_and_say_so_where_there_is_none() -> None:
    with pytest.raises(RunError, match=r"learner_bank\[\d\]: nccl cannot join the workers: "):
        trained(2, 2, device="cuda")


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs: NCCL takes one for each of its members")
def test_the_same_bits_on_two_gpus_by_nccl() -> None:
    """On one worker the learners hand their gradients to each other; on two they go through NCCL."""
    together, apart_by_nccl = (trained(2, workers, device="cuda") for workers in (1, 2))
    assert apart_by_nccl.fingerprint == together.fingerprint
    assert weights(apart_by_nccl, 2) == weights(together, 2)
    assert [apart_by_nccl.state(f"learner_bank[{i}]")["told"] for i in range(2)] == [["nccl", 2, 0], ["nccl", 2, 1]]


def test_the_same_bits_on_two_slots_of_a_deployment() -> None:
    topology = Training(**parameters(3))
    with watched(40):
        result = deploy_here(topology, placed(topology, apart(3, 3)), [[0, 2], [1]], timeout=topology.ticks, seed=3)
    assert result.fingerprint == trained(3, 1).fingerprint
    assert result.state("learner_bank[2]")["told"] == ["gloo", 3, 2]


def test_a_convolutional_network_too() -> None:
    from rlreactor.algos.policy_spec import PolicySpec
    from rlreactor.algos.ppo_config import PPOConfig
    from rlreactor.reactors.environment_spec import EnvironmentSpec, describe

    pytest.importorskip("ale_py")
    pong = EnvironmentSpec(id="ALE/Pong-v5")
    images: dict[str, Any] = {
        "environment": pong, "policy": PolicySpec(**dict(describe(pong)), network="nature_cnn"), "rollouts": 2,
        "config": PPOConfig(horizon=4, minibatch=8, epochs=1), "updates": 1, "envs_per_rollout": 1, "eval_episodes": 0,
    }  # fmt: skip
    results = [trained(2, workers, **images) for workers in (1, 2)]
    assert results[0].fingerprint == results[1].fingerprint
    assert len(weights(results[0], 2) | weights(results[1], 2)) == 1


def test_rollouts_may_run_ahead() -> None:
    results = [trained(2, workers, policy_lag=2) for workers in (1, 2)]
    assert results[0].fingerprint == results[1].fingerprint
    assert weights(results[0], 2) == weights(results[1], 2)


def test_learners_are_part_of_the_result() -> None:
    assert len({trained(learners, 1).fingerprint for learners in (2, 3)}) == 2


@pytest.mark.parametrize(
    ("options", "violations"),
    [
        (
            {"learners": 4},
            [
                "learners: expected a number that divides the 6 rollouts, so that each learner has equally many, "
                "received 4"
            ],
        ),
        (
            {"learners": 12, "config": {"minibatch": 100}, "learner_network": "10.0.0.1/24"},
            [
                "learners: expected a number that divides the 6 rollouts, so that each learner has equally many, "
                "received 12",
                "config.minibatch: expected a multiple of the 12 learners that share every minibatch, received 100",
                "learner_network: expected an IPv4 network such as 10.0.0.0/24, received '10.0.0.1/24': "
                "10.0.0.1/24 has host bits set",
            ],
        ),
    ],
)
def test_what_cannot_be_shared_is_refused(options: dict[str, Any], violations: list[str]) -> None:
    with pytest.raises(TopologyError) as refused:
        OnPolicy(**parameters(**options))
    assert list(refused.value.violations) == violations


def failure(topology: Reactor, workers: int) -> str:
    """What a run of a topology with two learners says when it fails."""
    with watched(40), pytest.raises(RunError) as failed:
        run(topology, plan=placed(topology, apart(2, workers)), timeout=100, seed=3)
    return str(failed.value)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("kind", "tick"), [("fail at once", 1), ("fail", 2)])
def test_a_learner_that_fails_is_the_one_that_is_named(kind: str, tick: int, workers: int) -> None:
    begun = time.monotonic()
    text = failure(Troubled(kind=kind, **parameters(2)), workers)
    assert text.startswith(f"reaction learner_bank[1].conclude failed at ({tick} ns, 0)")
    assert "the dog ate my gradient" in text
    assert time.monotonic() - begun < 10  # the others do not wait for it


def test_a_learner_that_vanishes_ends_the_run() -> None:
    begun = time.monotonic()
    text = failure(Troubled(kind="vanish", **parameters(2)), 2)
    assert re.match(r"worker 1 .*SIGKILL", text)
    assert time.monotonic() - begun < 10


def test_a_learner_that_hangs_is_waited_for_so_long() -> None:
    text = failure(Troubled(kind="hang", **parameters(2, exchange_timeout=1.0)), 2)
    assert "learner_bank[0] waited 1 s for learner_bank[1] in an exchange of gradients in vain" in text
    assert "see what the worker does, or raise exchange_timeout" in text


def test_a_learner_that_does_not_come_is_waited_for_so_long() -> None:
    text = failure(Troubled(kind="late", **parameters(2, exchange_timeout=1.0)), 2)
    assert "learner_bank[0] waited 1 s for learner_bank[1] at 127.0.0.1:" in text
    assert "in vain; see what became of the worker, or raise exchange_timeout" in text


def test_a_host_without_an_address_in_the_network_says_so() -> None:
    text = failure(OnPolicy(**parameters(2, learner_network="203.0.113.0/24")), 2)
    assert "has no address in 203.0.113.0/24, where learners are to exchange gradients; it has " in text
    assert "127.0.0.1 (lo)" in text
    assert "name a network that every host with a learner is in (learner_network)" in text


def test_a_process_belongs_to_one_group() -> None:
    """Whoever has made one of their own in the process hears of it before anything else happens."""
    torch.distributed.init_process_group("gloo", store=HashStore(), rank=0, world_size=1)
    door = Door("")
    try:
        with pytest.raises(RunError, match=r"already belongs to a group of torch\.distributed, and one process can be"):
            ProcessGroup(door.invitation(0), door, [0], 2, "bank[{}]".format, Bounds("", "cpu", 1.0))
    finally:
        door.close()
        torch.distributed.destroy_process_group()


def test_an_interrupt_ends_the_run_between_two_updates() -> None:
    topology = OnPolicy(**parameters(2, updates=100_000))

    def interrupt(metric: Metric) -> None:
        if metric.path == "learner_bank[0]" and metric.values["update"] == 5:
            os.kill(os.getpid(), signal.SIGINT)

    begun = time.monotonic()
    with watched(40), pytest.raises(Interrupt) as interrupted:
        run(topology, plan=placed(topology, apart(2, 2)), timeout=topology.ticks, observe=interrupt)
    assert time.monotonic() - begun < 15
    updates = [interrupted.value.result.state(f"learner_bank[{i}]")["update"] for i in range(2)]
    assert min(updates) >= 5
    assert max(updates) - min(updates) <= 1
