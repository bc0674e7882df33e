"""Snapshots of runs on several slots: taken up on other slots, in one process, and by `rlreactor deploy --resume`."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

from rlreactor import Result, RunError, check, run
from rlreactor.commands.deploy import DeployOptions, deploy_command
from rlreactor.commands.failure import UsageError
from rlreactor.commands.output import Output
from rlreactor.deployment.caller import deploy

from ..placements import placed, round_robin, together
from ..programs import random_program
from ..runtime.test_snapshots import STOP, Loop, assert_like, cuts
from ..test_random_programs import SIZES, outcome, placement
from ..test_random_snapshots import unlike
from ..watchdog import watched
from .cartpole import ROOT, alone, write_spec
from .forked import forked_slots, job_for

PROGRAMS = int(os.environ.get("RLREACTOR_SLOT_PROGRAMS", "4"))
UPDATES = 200


@pytest.fixture(scope="module")
def uninterrupted() -> Result:
    return run(Loop(), workers=1, timeout=STOP, seed=4)


def deployed(slots: list[list[int]], **options: Any) -> Result:
    plan = placed(Loop(), round_robin(Loop(), sum(map(len, slots))))
    with watched(60), forked_slots(Loop()) as engine:
        return deploy(job_for(plan, slots, timeout=STOP, seed=4), engine, **options)


def test_a_deployment_goes_on_from_its_snapshots_on_any_slots(uninterrupted: Result, tmp_path: Path) -> None:
    assert_like(deployed([[0, 2], [1]], snapshot=tmp_path, snapshot_every=40), uninterrupted)
    found = cuts(tmp_path)
    assert found
    for cut, slots in zip(found, ([[0], [1], [2]], [[0, 1, 2, 3]], [[1], [0]]), strict=False):
        assert_like(deployed(slots, resume=cut), uninterrupted)
    assert_like(run(Loop(), workers=2, timeout=STOP, seed=4, resume=found[-1]), uninterrupted)


def test_a_run_here_is_taken_up_by_slots(uninterrupted: Result, tmp_path: Path) -> None:
    run(Loop(), workers=2, timeout=STOP, seed=4, snapshot=tmp_path, snapshot_every=100)
    resumed = deployed([[0], [1, 2]], resume=tmp_path, snapshot=tmp_path / "later", snapshot_every=100)
    assert_like(resumed, uninterrupted)
    for cut in cuts(tmp_path / "later"):
        assert_like(deployed([[0], [1]], resume=cut), uninterrupted)


@pytest.mark.timeout(600)
def test_random_programs_on_slots_are_resumed(tmp_path: Path) -> None:
    for seed in range(PROGRAMS):
        chance = Random(seed)
        program = random_program(seed, chance.choice(SIZES))
        topology = program.topology()
        groups = together(check(topology))
        expected = outcome(topology, {}, timeout=program.timeout)
        if isinstance(expected, str):
            continue
        every = chance.randint(1, 1 + expected.tag.time)
        for _ in range(3):
            where, options = placement(chance, groups)
            plan = placed(topology, where, **options)
            slots = [[worker.index] for worker in plan.workers]
            given: dict[str, Any] = {"snapshot": tmp_path / str(seed), "snapshot_every": every}
            if cuts_of := list((tmp_path / str(seed)).glob("*/manifest.json")):
                given = {"resume": cuts_of[0].parent}
            with watched(60), forked_slots(topology) as engine:
                result = deploy(job_for(plan, slots, timeout=program.timeout, trace=True), engine, **given)
            found = unlike(groups, expected, result)
            assert not found, f"random_program({seed}) with {given}: {found}\n{program.source}"


def test_what_was_said_of_snapshots_is_checked(tmp_path: Path) -> None:
    deployed([[0], [1]], snapshot=tmp_path, snapshot_every=40)
    with pytest.raises(RunError, match=r"holds snapshots of an earlier run, the newest of time \d+ ns"):
        deployed([[0], [1]], snapshot=tmp_path)
    with pytest.raises(RunError, match="no whole snapshot to resume from"):
        deployed([[0], [1]], resume=tmp_path / "elsewhere")


# Through the command


def spec_in(folder: Path, **more: Any) -> Path:
    hosts = [{"name": name, "cores": 1} for name in ("left", "right")]
    path = write_spec(folder / "spec.json", UPDATES, hosts, **more)
    spec = json.loads(path.read_text())
    spec["run"] |= {"snapshots": str(folder / "kept"), "snapshot_every": "5 ns", "state": str(folder / "state")}
    spec["engine"] = "local"
    path.write_text(json.dumps(spec))
    return path


def command(spec: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "rlreactor.cli", "deploy", str(spec), "--json", *options]


def sha256(output: str) -> str:
    found: str = json.loads(output.splitlines()[-1])["state_sha256"]["learner.weights"]
    return found


def test_a_deployment_that_was_killed_goes_on(tmp_path: Path) -> None:
    spec = spec_in(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.Popen(command(spec), env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)
    with watched(60):
        while not any(int(m.parent.name) > 5 for m in (tmp_path / "kept").glob("*/manifest.json")):
            assert killed.poll() is None, "it ended before anybody could kill it"
            time.sleep(0.01)
    family = psutil.Process(killed.pid).children(recursive=True)
    for process in (psutil.Process(killed.pid), *family):
        with contextlib.suppress(psutil.NoSuchProcess):  # it has gone with its parent
            process.send_signal(signal.SIGKILL)
    killed.communicate()
    psutil.wait_procs(family, timeout=10)
    resumed = subprocess.run(command(spec, "--resume"), env=environment, capture_output=True, text=True, timeout=120)
    assert resumed.returncode == 0, resumed.stderr
    assert sha256(resumed.stdout) == alone(UPDATES)
    lines = [json.loads(line) for line in (tmp_path / "spec.jsonl").read_text().splitlines()]
    updates = [line["update"] for line in lines if line["path"] == "learner"]
    assert updates == list(range(1, UPDATES + 1))  # each once, whenever it was said


def test_resume_begins_where_there_is_nothing_yet(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    whole = command(spec_in(tmp_path), "--resume")
    found = subprocess.run(whole, env=environment, capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr
    assert sha256(found.stdout) == alone(UPDATES)


def test_resume_needs_a_folder_of_snapshots(tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "spec.json", 3, [])
    with pytest.raises(UsageError, match=r"--resume: .* keeps no snapshots; set run\.snapshots to a folder"):
        deploy_command(DeployOptions(spec=spec, resume=True), Output(as_json=False))
