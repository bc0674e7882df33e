"""What engines say when they cannot start slots, and how they tell which slot ended; runs with them are elsewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rlreactor.deployment.engines.address import address_towards
from rlreactor.deployment.engines.held import send_keys
from rlreactor.deployment.engines.processes import ProcessPerSlot
from rlreactor.deployment.engines.ray_slots import RaySlots, bundle
from rlreactor.deployment.engines.slurm_queue import SlurmJob, submit
from rlreactor.deployment.engines.slurm_slots import SlurmSlots, ends_in
from rlreactor.deployment.engines.ssh_slots import SshSlots
from rlreactor.deployment.read import parse_deployment
from rlreactor.deployment.spec import Deployment
from rlreactor.errors import RunError

TOPOLOGY = "topology: {class: 'train:Train'}\n"
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
