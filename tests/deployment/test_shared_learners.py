"""Learners on two hosts: the same weights as on one, over the network that is named, and over none that is not."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from rlreactor import run
from rlreactor.topologies.on_policy import OnPolicy

from ..network import Network, needs_network
from ..topologies.shared_training import parameters
from .announced import digest
from .test_hosts import Deployed, job_over

pytestmark = needs_network


@pytest.fixture(scope="module")
def network() -> Generator[Network]:
    with Network(hosts=2) as network:
        yield network


def deployed(network: Network, topology: OnPolicy, folder: Path) -> dict[str, Any]:
    """How a run ends with a learner on each host."""
    job = job_over(topology, 2, timeout=topology.ticks)
    learners = [sum(path.startswith("learner_bank[") for path in worker.reactors) for worker in job.plan.workers]
    assert learners == [1, 1]
    running = Deployed(network, job, folder)
    try:
        return running.outcome()
    finally:
        running.end()


def test_the_same_weights_on_two_hosts(network: Network, tmp_path: Path) -> None:
    topology = OnPolicy(**parameters(2, learner_network="10.87.0.0/24"))
    expected = run(OnPolicy(**parameters(2)), workers=1, timeout=topology.ticks)
    found = deployed(network, topology, tmp_path)
    assert found == {"fingerprint": expected.fingerprint, "weights": digest(expected)}


def test_nothing_leaves_the_host_unless_a_network_is_named(network: Network, tmp_path: Path) -> None:
    error = deployed(network, OnPolicy(**parameters(2)), tmp_path)["error"]
    assert (
        "learner_bank[1] and learner_bank[0] are on different hosts, and learners exchange gradients over the loopback "
        "alone unless learner_network says otherwise: expected the IPv4 network that both hosts are in, such as "
        "10.0.0.0/24, received none; what goes over it (by torch.distributed) is neither encrypted nor authenticated, "
        "so let nobody else into it"
    ) in error
