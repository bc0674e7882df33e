"""What engines say when they cannot start slots, and how they tell which slot ended; runs with them are elsewhere."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rlreactor.deployment.engines.address import address_towards
from rlreactor.deployment.engines.held import key_files, key_lines, receive_keys, send_keys
from rlreactor.deployment.engines.processes import ProcessPerSlot
from rlreactor.deployment.engines.ray_slots import RaySlots, bundle
from rlreactor.deployment.engines.slurm_queue import SlurmJob, submit
from rlreactor.deployment.engines.slurm_slots import SlurmSlots, ends_in, hand_out, srun_words
from rlreactor.deployment.engines.ssh_slots import SshSlots
from rlreactor.deployment.job import Job, Slot
from rlreactor.deployment.read import parse_deployment
from rlreactor.deployment.spec import Deployment
from rlreactor.errors import LinkError, RunError
from rlreactor.links.keys import make_keys, read_slot_keys
from rlreactor.planner.plan import Plan, WorkerPlan

TOPOLOGY = "topology: {class: 'train:Train'}\n"
WORKERS = tuple(WorkerPlan(index=i, reactors=(), cores=(0,)) for i in range(2))
SLOTS = tuple(Slot(host=name, workers=(i,)) for i, name in enumerate("ab"))
HOSTS = TOPOLOGY + "hosts: [{name: a, cores: 4, gpus: 1, memory: 2 GiB}, {name: b, cores: 2}]\n"


def deployment(text: str = HOSTS) -> Deployment:
    return parse_deployment(text.encode(), "spec.yaml")


def test_an_address_is_the_one_that_leads_to_a_host() -> None:
    assert address_towards("127.0.0.1") == "127.0.0.1"
    with pytest.raises(RunError, match=r"cannot tell which address of this machine no-such\.invalid reaches: "):
        address_towards("no-such.invalid")


def test_a_bundle_holds_what_was_asked_for() -> None:
    first, second = deployment().machines
    assert bundle(first) == {"CPU": 4.0, "GPU": 1.0, "memory": float(2 << 30)}
    assert bundle(second) == {"CPU": 2.0}


def test_engines_that_reach_hosts_need_some() -> None:
    for engine, name in ((SshSlots, "ssh"), (RaySlots, "ray")):
        with pytest.raises(RunError, match=f"the engine {name} needs hosts: list them in the spec"):
            engine(deployment(TOPOLOGY))


def test_without_ray_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RunError, match=r"the engine ray needs Ray: pip install 'rlreactor\[ray\]'"):
        RaySlots(deployment())


def test_slurm_starts_slots_only_inside_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    with pytest.raises(RunError, match="the engine slurm starts slots inside a job, and SLURM_JOB_ID is not set here"):
        SlurmSlots(deployment())


def test_without_slurm_its_command_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for attempt in (lambda: submit(deployment(), "spec.yaml"), SlurmJob("1", tmp_path / "log").stop):
        with pytest.raises(
            RunError, match=r"there is no (sbatch|scancel) here: the engine slurm needs Slurm's commands"
        ):
            attempt()


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        ("srun: error: n2: task 1: Exited with exit code 3\n", [(1, "ended on node n2: Exited with exit code 3")]),
        ("srun: error: n1: task 0: Killed\n", [(0, "ended on node n1: Killed")]),
        (
            "srun: error: Task launch for StepId=2.0 failed on node n2: Communication connection failure\n",
            [(1, "cannot be started on node n2: Communication connection failure")],
        ),
        ("srun: Job step aborted\n", []),
        ("srun: error: n9: task 1: Killed\n", []),
    ],
)
def test_what_srun_says_of_a_task_is_known_of_its_slot(line: str, ends: list[tuple[int, str]]) -> None:
    assert list(ends_in(line, ["n1", "n2"])) == ends


def test_keys_come_through_the_input_as_they_were_sent(tmp_path: Path) -> None:
    make_keys(tmp_path, 2)
    sent = io.BytesIO(key_lines(key_files(tmp_path, 1)))
    assert receive_keys(1, sent) == read_slot_keys(tmp_path, 1)
    swapped = io.BytesIO(key_lines(key_files(tmp_path, 1)[::-1]))
    for wrong in (io.BytesIO(), io.BytesIO(b"noise\nmore\n"), io.BytesIO(b"\xff" * 100_000), swapped):
        with pytest.raises(LinkError, match=r"the input of slot 1: expected a line (public|secret) = .* 40 characters"):
            receive_keys(1, wrong)


def test_a_slurm_task_takes_its_keys_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `srun` would run on each node, run here: nothing is left, and only the own keys are read."""
    keys, folder = tmp_path / "keys", tmp_path / "it's shared"
    make_keys(keys, 2)
    folder.mkdir()
    monkeypatch.setenv("SLURM_HET_SIZE", "0")
    spec = deployment(HOSTS + f"slurm: {{directory: {json.dumps(str(folder))}, python: sh -c 'cat; exit 3'}}\n")
    job = Job(topology="a:B", plan=Plan(topology="a:B", workers=WORKERS), slots=SLOTS)
    hand_out(keys, folder / "handed", 2)
    for slot in range(2):
        *_, shell, option, script = srun_words(spec, job, "tcp://a:1", folder / "handed")
        environment = {**os.environ, "SLURM_PROCID": str(slot)}
        done = subprocess.run([shell, option, script], env=environment, capture_output=True)
        assert (done.returncode, done.stderr) == (3, b"")
        assert done.stdout == key_lines(key_files(keys, slot))
    assert not (folder / "handed").exists()


def test_slots_end_with_their_input_and_say_how() -> None:
    reading, failing = (
        subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE) for script in ("cat >/dev/null; exit 4", "exit 3")
    )
    slots = ProcessPerSlot([reading, failing], {3: "was never there"})
    failing.wait()
    send_keys([b"nobody reads this any more"] * 10_000, failing.stdin)
    assert slots.ended() == {1: "was never there"}
    slots.stop()
    assert slots.ended() == {0: "ended with status 4", 1: "was never there"}
