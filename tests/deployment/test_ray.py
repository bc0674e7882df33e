"""The same training on two nodes of a real Ray; and what is said when one of them is lost."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..network import Inside, Network
from ..ray_cluster import RayCluster, needs_ray
from .cartpole import alone, write_spec

pytestmark = [
    needs_ray,
    pytest.mark.skipif(not os.environ.get("RLREACTOR_CLUSTERS"), reason="takes long: set RLREACTOR_CLUSTERS=1"),
    pytest.mark.timeout(400),
]


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with Network(hosts=2) as network:
        yield network


@pytest.fixture(scope="module")
def cluster(network: Network) -> Iterator[RayCluster]:
    with RayCluster(network) as cluster:
        yield cluster


def deploy(cluster: RayCluster, spec: Path) -> Inside:
    return cluster.head.start(
        cluster.python, "-m", "rlreactor.cli", "deploy", spec, "--json", cwd=spec.parent,
        env=cluster.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def spec_for(folder: Path, updates: int, **section: Any) -> Path:
    hosts = [{"name": "trainer", "count": 2, "cores": 2, "workers": 1}]
    return write_spec(folder / "spec.json", updates, hosts, engine="ray", ray=section)


def test_two_nodes_learn_what_one_worker_learns(cluster: RayCluster, tmp_path: Path) -> None:
    deployed = deploy(cluster, spec_for(tmp_path, updates=12))
    said, complaints = deployed.communicate(timeout=180)
    assert deployed.returncode == 0, complaints
    result = json.loads(said.splitlines()[-1])
    assert result["hosts"] == {"trainer-0": [0], "trainer-1": [1]}
    assert result["state_sha256"]["learner.weights"] == alone(12)


def test_what_there_is_no_room_for_is_refused(cluster: RayCluster, tmp_path: Path) -> None:
    spec = json.loads(spec_for(tmp_path, updates=12, start_seconds=3).read_text())
    spec["hosts"][0]["cores"] = 5
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    deployed = deploy(cluster, tmp_path / "spec.json")
    said, _ = deployed.communicate(timeout=120)
    assert deployed.returncode == 1
    error = json.loads(said.splitlines()[-1])["error"]
    assert "the Ray cluster had no room after 3.0 s: asked for trainer-0: {'CPU': 5.0}" in error


def test_a_node_that_is_lost_is_named(network: Network, cluster: RayCluster, tmp_path: Path) -> None:
    spec = spec_for(tmp_path, updates=1_000_000)
    deployed = deploy(cluster, spec)
    metrics = spec.with_suffix(".jsonl")
    end = time.monotonic() + 120
    while not metrics.exists() or not metrics.stat().st_size:
        assert time.monotonic() < end, "no metric came"
        time.sleep(0.1)
    network.hosts[1].turn_off()
    begun = time.monotonic()
    said, complaints = deployed.communicate(timeout=180)
    assert deployed.returncode == 1, complaints
    print(f"a lost Ray node is reported after {time.monotonic() - begun:.1f} s")
    error = json.loads(said.splitlines()[-1])["error"]
    print(error)
    assert "trainer-" in error
    assert "h1" in error
