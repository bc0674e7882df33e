"""The same training on several hosts over ssh, whose cables are cut meanwhile; the hosts are namespaces.

RLREACTOR_CUTS=50 cuts them that often, for 0.2 to 5 s each, and once for 30 s.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ..network import Host, Inside, Network
from ..ssh_hosts import SshHosts, needs_ssh
from .cartpole import ROOT, alone, python, write_spec

pytestmark = needs_ssh

CUTS = int(os.environ.get("RLREACTOR_CUTS", "0"))
CUTS_S, LONG_CUT_S = (0.2, 5.0), 30.0
NOTICED_CUT_S = 2.2  # just longer than heartbeats may fail to come: connections end in the middle of a frame
HEALED_S = 2.0
UPDATES_A_CUT = 100
PORTS = (47600, 47649)
SPREAD = [{"reactors": path, "host": host} for path, host in
          (("learner", "h0"), ("judges[*]", "h0"), ("actors[0]", "h1"), ("actors[1]", "h2"))]  # fmt: skip
"""Whichever cable is cut, training has to wait."""


@pytest.fixture
def network() -> Iterator[Network]:
    with Network(hosts=3) as network:
        yield network


@pytest.fixture
def ssh(network: Network) -> Iterator[SshHosts]:
    with SshHosts(network) as ssh:
        yield ssh


def spec_over(hosts: list[Host], path: Path, updates: int, **more: Any) -> Path:
    listed = [
        {"name": host.name, "address": host.name, "data_address": host.address, "cores": 1, "ports": list(PORTS)}
        for host in hosts
    ]
    return write_spec(path, updates, listed, ssh={"python": python, "directory": str(path.parent)}, **more)


def deploy(host: Host, spec: Path, environment: dict[str, str]) -> Inside:
    return host.start(
        sys.executable, "-m", "rlreactor.cli", "deploy", spec, "--engine", "ssh", "--json", cwd=spec.parent,
        env={**environment, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def learning(host: Host, spec: Path, environment: dict[str, str]) -> tuple[Inside, Path]:
    """A deployment whose first metric has come, and the file of its metrics."""
    deployed, metrics = deploy(host, spec, environment), spec.with_suffix(".jsonl")
    await_(deployed, partial(grows, metrics, 0), 60, "the first metric")
    return deployed, metrics


def outcome(deployed: Inside, limit_s: float) -> dict[str, Any]:
    said, complaints = deployed.communicate(timeout=limit_s)
    assert deployed.returncode == 0, complaints
    result: dict[str, Any] = json.loads(said.splitlines()[-1])
    return result


def size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def grows(file: Path, above: int) -> bool:
    return size(file) > above


def await_(deployed: Inside, ready: Callable[[], bool], limit_s: float, what: str) -> float:
    """Seconds until it was ready."""
    begun = time.monotonic()
    while not ready():
        assert deployed.poll() is None, f"{what}: the run has ended: {deployed.communicate()}"
        assert time.monotonic() - begun < limit_s, f"{what}: not within {limit_s} s"
        time.sleep(0.01)
    return time.monotonic() - begun


def test_two_hosts_learn_what_one_worker_learns(network: Network, ssh: SshHosts, tmp_path: Path) -> None:
    first, second, _ = network.hosts
    spec = spec_over([first, second], tmp_path / "spec.json", updates=12)
    deployed = deploy(first, spec, ssh.environment)
    listened: dict[Host, set[str]] = {first: set(), second: set()}
    while deployed.poll() is None:
        for host, places in listened.items():
            places |= host.listening() - {f"{host.address}:22"}
    for host, places in listened.items():
        listening = [place.rpartition(":") for place in places]
        assert {address for address, _, _ in listening} == {host.address}
        caller = [port for _, _, port in listening if not PORTS[0] <= int(port) <= PORTS[1]]
        assert len(caller) == (host is first)
    result = outcome(deployed, 60)
    assert result["hosts"] == {"h0": [0], "h1": [1]}
    assert result["state_sha256"]["learner.weights"] == alone(12)


@pytest.mark.timeout(1200)
@pytest.mark.skipif(not CUTS, reason="takes long: set RLREACTOR_CUTS to the number of cuts")
def test_cut_cables_change_nothing(network: Network, ssh: SshHosts, tmp_path: Path) -> None:
    updates = UPDATES_A_CUT * (CUTS + 1)
    spec = spec_over(network.hosts, tmp_path / "spec.json", updates, constraints=SPREAD)
    deployed, metrics = learning(network.hosts[0], spec, ssh.environment)
    chance = random.Random(1)
    durations = [NOTICED_CUT_S] * CUTS if CUTS < 10 else [chance.uniform(*CUTS_S) for _ in range(CUTS)] + [LONG_CUT_S]
    healed: list[float] = []
    for duration in durations:
        host = chance.choice(network.hosts[1:])
        network.cut(host)
        time.sleep(duration)  # the cut
        network.heal(host)
        healed.append(
            await_(deployed, partial(grows, metrics, size(metrics)), 30, f"data after a cut of {duration:.1f} s")
        )
    print(f"{len(healed)} cuts; data after {max(healed):.2f} s at most, {sum(healed) / len(healed):.2f} s on average")
    assert max(healed) <= HEALED_S, healed
    result = outcome(deployed, 300)
    assert result["state_sha256"]["learner.weights"] == alone(updates)


def test_a_host_that_is_lost_is_named(network: Network, ssh: SshHosts, tmp_path: Path) -> None:
    first, second, _ = network.hosts
    spec = spec_over([first, second], tmp_path / "spec.json", updates=100_000)
    deployed, _ = learning(first, spec, ssh.environment)
    second.turn_off()
    _, complaints = deployed.communicate(timeout=90)
    assert deployed.returncode == 1
    assert "slot 1 on h1" in complaints.splitlines()[-1], complaints
