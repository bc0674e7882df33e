"""Runs across hosts: PPO learns the same weights on one, two and three, whatever happens to the cables.

RLREACTOR_HOSTS says on how many hosts ("1 2 3"), RLREACTOR_CUTS how many cuts are made, RLREACTOR_CUT_SEED which, and
RLREACTOR_LONG_CUT how many seconds a last one lasts.
"""

from __future__ import annotations

import json
import os
import queue
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import IO, Any

import pytest
from pydantic_core import to_jsonable_python

from rlreactor import Reactor, plan, run
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.algos.ppo_config import PPOConfig
from rlreactor.deployment.job import Job, JobOptions, Slot
from rlreactor.reactor import class_path
from rlreactor.reactors.environment_spec import EnvironmentSpec, describe
from rlreactor.topologies.on_policy import OnPolicy

from ..network import Host, Inside, Network, needs_network
from .announced import digest
from .test_slots import Ring

pytestmark = needs_network

HOSTS = [int(number) for number in os.environ.get("RLREACTOR_HOSTS", "").split()]
CUTS = int(os.environ.get("RLREACTOR_CUTS", "2"))
CUT_SEED = int(os.environ.get("RLREACTOR_CUT_SEED", "1"))
LONG_CUT_S = float(os.environ.get("RLREACTOR_LONG_CUT", "0"))
PORTS = (47600, 47699)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def network() -> Generator[Network]:
    with Network(hosts=3) as network:
        yield network


class Lines:
    """JSON objects from a pipe, each as soon as it is there."""

    def __init__(self, pipe: IO[str]) -> None:
        self._lines: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def _read(self, pipe: IO[str]) -> None:
        for line in pipe:
            self._lines.put(line)
        self._lines.put("")

    def next(self, limit_s: float = 60.0) -> dict[str, Any]:
        line = self._lines.get(timeout=limit_s)
        assert line, "the caller has ended"
        found: dict[str, Any] = json.loads(line)
        return found

    def until(self, *keys: str, limit_s: float = 60.0) -> dict[str, Any]:
        end = time.monotonic() + limit_s
        while True:
            found = self.next(max(0.0, end - time.monotonic()))
            if found.keys() & set(keys):
                return found


class Deployed:
    """A run whose caller is on the first host."""

    def __init__(self, network: Network, job: Job, folder: Path) -> None:
        file = folder / "job.json"
        file.write_text(job.model_dump_json())
        self.network = network
        self._job = job
        python = [f"PYTHONPATH={ROOT}", sys.executable, "-m"]
        caller = network.hosts[0]
        self.caller = caller.start(
            *python, "tests.deployment.announced", file, caller.address, cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self.caller.stdout is not None
        self.lines = Lines(self.caller.stdout)
        told = self.lines.until("caller")
        self.endpoint, self.keys = told["caller"], told["keys"]
        self.slots: list[Inside] = [
            self.host(slot).start(
                *python, "rlreactor.cli", "worker", "--slot", str(slot), "--plan", job.plan_hash,
                "--caller", self.endpoint, "--keys", self.keys, cwd=ROOT,
            )
            for slot in range(len(job.slots))
        ]  # fmt: skip

    def host(self, slot: int) -> Host:
        return self.network.hosts[int(self._job.slots[slot].host.removeprefix("h"))]

    def tell_ended(self, slot: int, how: str) -> None:
        assert self.caller.stdin is not None
        self.caller.stdin.write(f"{slot} {how}\n")
        self.caller.stdin.flush()

    def outcome(self, limit_s: float = 100.0) -> dict[str, Any]:
        found = self.lines.until("error", "fingerprint", limit_s=limit_s)
        for process in (self.caller, *self.slots):
            process.wait(20)
        return found

    def end(self) -> None:
        for process in (self.caller, *self.slots):
            if process.poll() is None:
                process.kill()
                process.wait()
        for pipe in (self.caller.stdin, self.caller.stdout):
            if pipe is not None:
                pipe.close()


def training(updates: int) -> OnPolicy:
    environment = EnvironmentSpec(id="CartPole-v1")
    config = PPOConfig()
    policy = PolicySpec(**dict(describe(environment)), network="mlp", hidden=config.hidden)
    return OnPolicy(
        environment=environment, policy=policy, config=config, rollouts=3, envs_per_rollout=2, updates=updates
    )


def job_over(topology: Reactor, hosts: int, **options: Any) -> Job:
    """One worker on each host."""
    made = plan(topology, workers=hosts)
    return Job(
        topology=class_path(type(topology)),
        parameters=to_jsonable_python(dict(topology.parameters), inf_nan_mode="strings"),
        plan=made,
        slots=tuple(Slot(host=f"h{i}", workers=(i,), address=f"h{i}", ports=PORTS) for i in range(hosts)),
        options=JobOptions(**options),
    )


@pytest.fixture
def deployed(network: Network, tmp_path: Path) -> Generator[Any]:
    runs: list[Deployed] = []

    def start(job: Job) -> Deployed:
        runs.append(Deployed(network, job, tmp_path))
        return runs[-1]

    yield start
    for each in runs:
        each.end()


@pytest.mark.parametrize("hosts", HOSTS or [0])
def test_the_same_weights_on_any_hosts(deployed: Any, hosts: int) -> None:
    if not hosts:
        pytest.skip("RLREACTOR_HOSTS is not set; the cables below are cut on three hosts")
    topology = training(4)
    expected = run(topology, workers=1, timeout=topology.ticks)
    found = deployed(job_over(topology, hosts, timeout=topology.ticks)).outcome()
    print(f"on {hosts} hosts {found}, alone {digest(expected)}")
    assert found == {"fingerprint": expected.fingerprint, "weights": digest(expected)}


def check_doors(running: Deployed) -> None:
    """Only what the plan says listens, and nowhere else than where it says."""
    for index, host in enumerate(running.network.hosts):
        listening = {tuple(entry.rsplit(":", 1)) for entry in host.listening()}
        assert {address for address, _ in listening} == {host.address}
        ports = {int(port) for _, port in listening}
        if index == 0:
            ports.remove(int(running.endpoint.rpartition(":")[2]))
        assert len(ports) == 2
        assert all(PORTS[0] <= port <= PORTS[1] for port in ports)


@pytest.mark.timeout(1800)
def test_cut_cables_do_not_matter(network: Network, deployed: Any) -> None:
    """Data flows again within 2 s, and nothing is lost: the weights are the same."""
    topology = training(12 + 12 * CUTS)
    expected = run(topology, workers=1, timeout=topology.ticks)
    running: Deployed = deployed(job_over(topology, 3, timeout=topology.ticks))
    chance, slowest = random.Random(CUT_SEED), 0.0
    lengths = [chance.uniform(0.2, 1.0 if CUTS < 10 else 5.0) for _ in range(CUTS)]
    made, found = 0, running.lines.until("metric", "error")
    check_doors(running)
    for length in [*lengths, *([LONG_CUT_S] if LONG_CUT_S else [])]:
        assert "error" not in found, f"after {made} cuts: {found}"
        if "fingerprint" in found:
            break
        host = chance.choice(network.hosts)
        network.cut(host)
        time.sleep(length)
        drain(running.lines)
        network.heal(host)
        healed = time.monotonic()
        found = running.lines.until("metric", "fingerprint", "error")
        slowest = max(slowest, time.monotonic() - healed)
        made += 1
    found = found if "metric" not in found else running.outcome(600)
    print(f"{made} cuts, data flowed again within {slowest:.2f} s")
    assert found == {"fingerprint": expected.fingerprint, "weights": digest(expected)}
    assert made >= min(CUTS, 2)
    assert slowest < 2.0


def drain(lines: Lines) -> None:
    while not lines._lines.empty():
        lines._lines.get()


def test_a_host_that_is_lost_is_named(network: Network, deployed: Any) -> None:
    topology = Ring(gate="/")
    running: Deployed = deployed(job_over(topology, 2, unreachable_limit=2.0))
    running.lines.until("metric")
    network.cut(network.hosts[1])
    try:
        cut = time.monotonic()
        found = running.lines.until("error", "fingerprint")
        assert re.match(r"slot 1 on h1: nothing was heard of it for 2 s", found["error"])
        assert 1.5 < time.monotonic() - cut < 6
        running.slots[1].wait(10)  # it gives up by itself
    finally:
        network.heal(network.hosts[1])
