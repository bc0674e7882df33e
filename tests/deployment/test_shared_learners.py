"""Learners on two hosts: the same weights as on one, over the network that is named, and over none that is not."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path

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


@contextlib.contextmanager
def deployed(network: Network, topology: OnPolicy, folder: Path) -> Generator[Deployed]:
    """A run with a learner on each host."""
    job = job_over(topology, 2, timeout=topology.ticks)
    learners = [sum(path.startswith("learner_bank[") for path in worker.reactors) for worker in job.plan.workers]
    assert learners == [1, 1]
    running = Deployed(network, job, folder)
    try:
        yield running
    finally:
        running.end()


def test_the_same_weights_on_two_hosts(network: Network, tmp_path: Path) -> None:
    """And while it lasts, nothing listens anywhere but in the network."""
    updates = {"updates": 40}
    topology = OnPolicy(**parameters(2, learner_network="10.87.0.0/24", **updates))
    expected = run(OnPolicy(**parameters(2, **updates)), workers=1, timeout=topology.ticks)
    with deployed(network, topology, tmp_path) as running:
        running.lines.until("metric")  # of the first update
        for host in network.hosts:
            assert {address.rpartition(":")[0] for address in host.listening()} == {host.address}
        found = running.outcome()
    assert found == {"fingerprint": expected.fingerprint, "weights": digest(expected)}


def test_nothing_leaves_the_host_unless_a_network_is_named(network: Network, tmp_path: Path) -> None:
    with deployed(network, OnPolicy(**parameters(2)), tmp_path) as running:
        error = running.outcome()["error"]
    assert (
        "learner_bank[1] and learner_bank[0] are on different hosts, and learners exchange gradients over the loopback "
        "alone unless learner_network says otherwise: expected the IPv4 network that both hosts are in, such as "
        "10.0.0.0/24, received none; what goes over it (by torch.distributed) is neither encrypted nor authenticated, "
        "so let nobody else into it"
    ) in error
