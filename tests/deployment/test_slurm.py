"""The same training on two nodes of a real Slurm: submitted, followed, asked about, ended, and queued again."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load

from ..network import Inside, Network
from ..slurm_cluster import SlurmCluster, needs_slurm
from .cartpole import ROOT, SEED, alone, python, write_spec

pytestmark = [
    needs_slurm,
    pytest.mark.skipif(not os.environ.get("RLREACTOR_CLUSTERS"), reason="takes long: set RLREACTOR_CLUSTERS=1"),
    pytest.mark.timeout(400),
]


@pytest.fixture
def cluster() -> Iterator[SlurmCluster]:
    with Network(hosts=2) as network, SlurmCluster(network, node_timeout=5) as cluster:
        yield cluster


def spec_for(folder: Path, updates: int, **more: str) -> Path:
    hosts = [{"name": "first", "cores": 1, "memory": "2 GiB"}, {"name": "second", "cores": 2, "workers": 1}]
    return write_spec(
        folder / "spec.json", updates, hosts, engine="slurm",
        slurm={"python": python, "directory": str(folder)},
        run={"seed": SEED, "timeout": f"{updates} ns", "metrics": str(folder / "metrics.jsonl"),
             "state": str(folder / "state.safetensors"), **more},
    )  # fmt: skip


def start(cluster: SlurmCluster, command: str, spec: Path, *more: str) -> Inside:
    return cluster.controller.start(
        sys.executable, "-m", "rlreactor.cli", command, spec, *more, cwd=spec.parent,
        env={**cluster.environment, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def said(cluster: SlurmCluster, command: str, spec: Path, *more: str, limit_s: float = 90) -> tuple[int, str]:
    process = start(cluster, command, spec, *more)
    text, _ = process.communicate(timeout=limit_s)
    return process.returncode, text


def weights_of(folder: Path) -> str:
    state = load((folder / "state.safetensors").read_bytes())
    return hashlib.sha256(state["learner.weights"].tobytes()).hexdigest()


def learning(folder: Path) -> bool:
    metrics = folder / "metrics.jsonl"
    return metrics.exists() and metrics.stat().st_size > 0


def await_(ready: Callable[[], Any], limit_s: float, what: str) -> None:
    end = time.monotonic() + limit_s
    while not ready():
        assert time.monotonic() < end, f"{what}: not within {limit_s} s"
        time.sleep(0.1)


def test_two_nodes_learn_what_one_worker_learns(cluster: SlurmCluster, tmp_path: Path) -> None:
    status, text = said(cluster, "deploy", spec_for(tmp_path, updates=12), "--json")
    assert status == 0, text
    result = json.loads(text.splitlines()[-1])
    assert result["status"] == 0
    assert "on 2 worker(s) of 2 host(s)" in Path(result["log"]).read_text()
    assert weights_of(tmp_path) == alone(12)


def test_a_job_is_asked_about_and_ended(cluster: SlurmCluster, tmp_path: Path) -> None:
    spec = spec_for(tmp_path, updates=1_000_000)
    status, text = said(cluster, "deploy", spec, "--detach")
    assert status == 0, text
    await_(lambda: learning(tmp_path), 60, "the first metric")
    status, text = said(cluster, "status", spec)
    assert status == 0
    assert "job 1+0: RUNNING on h0" in text
    assert "job 1+1: RUNNING on h1" in text
    assert said(cluster, "stop", spec) == (0, "ended job 1\n")
    await_(lambda: not cluster.run("squeue", "--noheader"), 30, "the end of the job")
    status, text = said(cluster, "status", spec)
    assert status == 1
    assert "no job called 'cartpole' is in Slurm's queue" in text
    assert not list(tmp_path.glob(".rlreactor-*")), "keys were left"


def test_a_failure_ends_the_job_with_its_words(cluster: SlurmCluster, tmp_path: Path) -> None:
    spec = spec_for(tmp_path, updates=12)
    broken = json.loads(spec.read_text())
    broken["slurm"]["python"] = f"env PYTHONPATH={ROOT}/nowhere {sys.executable} -S"
    spec.write_text(json.dumps(broken))
    status, text = said(cluster, "deploy", spec)
    assert status == 1
    assert "No module named" in text
    assert "rlreactor: job 1 ended with status 1; " in text.splitlines()[-1]


def test_a_node_that_is_lost_is_named_and_the_job_runs_again(cluster: SlurmCluster, tmp_path: Path) -> None:
    updates = 600
    process = start(cluster, "deploy", spec_for(tmp_path, updates))
    await_(lambda: learning(tmp_path), 60, "the first metric")
    cluster.lose(cluster.hosts[1])
    await_(lambda: "h1" in cluster.run("sinfo", "--noheader", "--states=down", "--format=%N"), 60, "the node's end")
    cluster.bring_back(cluster.hosts[1])
    text, _ = process.communicate(timeout=200)
    assert process.returncode == 0, text
    assert "slot 1 on second (h1): was lost with its node h1, which is down" in text.partition("stopped at")[0], text
    assert not list(tmp_path.glob(".rlreactor-*")), "keys were left"
    assert weights_of(tmp_path) == alone(updates)


def test_a_job_that_runs_again_goes_on_from_its_snapshots(cluster: SlurmCluster, tmp_path: Path) -> None:
    updates = 600
    process = start(cluster, "deploy", spec_for(tmp_path, updates, snapshots=str(tmp_path / "kept")))
    await_(lambda: any(int(m.parent.name) > 1 for m in tmp_path.glob("kept/*/manifest.json")), 60, "a snapshot")
    cluster.lose(cluster.hosts[1])
    await_(lambda: "h1" in cluster.run("sinfo", "--noheader", "--states=down", "--format=%N"), 60, "the node's end")
    cluster.bring_back(cluster.hosts[1])
    text, _ = process.communicate(timeout=200)
    assert process.returncode == 0, text
    assert "goes on from a snapshot in " in text
    assert weights_of(tmp_path) == alone(updates)
