"""What is found out about a machine, from made-up /sys, /proc and answers of nvidia-smi."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rlreactor.planner.cores import Core, by_nearness, parse_cpu_list, usable_cores
from rlreactor.planner.gpus import Gpu, find_gpus, parse_nvidia_smi
from rlreactor.planner.machine import Machine, discover
from rlreactor.planner.pinning import deal_cores
from rlreactor.planner.quota import cpu_quota


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def affinity(*cores: int) -> Callable[[int], set[int]]:
    return lambda pid: set(cores)


def test_discover_finds_this_machine() -> None:
    machine = discover()
    assert {core.id for core in machine.cores} == os.sched_getaffinity(0)
    assert 1 <= machine.usable <= len(machine.cores)
    assert machine.memory > 0
    assert Machine.model_validate_json(machine.model_dump_json()) == machine


@pytest.mark.parametrize(
    ("text", "cores"),
    [("0-2,8", [0, 1, 2, 8]), ("5", [5]), ("", []), ("\n", []), ("a-b", []), ("3-", [3])],
)
def test_cpu_list(text: str, cores: list[int]) -> None:
    assert parse_cpu_list(text) == cores


def test_cores_of_two_sockets_with_smt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cores 0 to 3 on two sockets; 4 to 7 are their second threads."""
    for index in range(8):
        physical, socket = index % 4, index % 4 // 2
        write(
            tmp_path / f"cpu/cpu{index}",
            {
                "topology/thread_siblings_list": f"{physical},{physical + 4}\n",
                "topology/physical_package_id": f"{socket}\n",
                "cache/index2/level": "2\n",
                "cache/index2/shared_cpu_list": f"{physical},{physical + 4}\n",
                "cache/index3/level": "3\n",
                "cache/index3/shared_cpu_list": f"{2 * socket}-{2 * socket + 1},{2 * socket + 4}-{2 * socket + 5}\n",
            },
        )
    write(tmp_path, {"node/node0/cpulist": "0-1,4-5\n", "node/node1/cpulist": "2-3,6-7\n"})
    monkeypatch.setattr(os, "sched_getaffinity", affinity(1, 2, 3, 5, 7))
    assert usable_cores(tmp_path) == (
        Core(id=1, package=0, node=0, l2=1, l3=0, physical=1),
        Core(id=2, package=1, node=1, l2=2, l3=2, physical=2),
        Core(id=3, package=1, node=1, l2=3, l3=2, physical=3),
        Core(id=5, package=0, node=0, l2=1, l3=0, physical=1),
        Core(id=7, package=1, node=1, l2=3, l3=2, physical=3),
    )


def test_cores_of_a_container_that_hides_sys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", affinity(3))
    assert usable_cores(tmp_path) == (Core(id=3, l2=3, l3=3, physical=3),)


def test_cores_of_a_system_without_affinity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert [core.id for core in usable_cores(tmp_path)] == [0]


def test_second_threads_come_last() -> None:
    cores = [Core(id=i, l2=i // 2, l3=0, physical=i - i % 2) for i in range(6)]
    assert [core.id for core in by_nearness(cores)] == [0, 2, 4, 1, 3, 5]


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/a/b\n", "cg/a/b/cpu.max": "max 100000\n"}, None),
        ({"proc/self/cgroup": "0::/a/b\n", "cg/a/b/cpu.max": "250000 100000\n"}, 2.5),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "cg/a/b/cpu.max": "400000 100000\n",
                "cg/a/cpu.max": "150000 100000\n",
            },
            1.5,
        ),
        ({"proc/self/cgroup": "0::/hidden\n", "cg/cpu.max": "300000 100000\n"}, 3.0),
        (
            {
                "proc/self/cgroup": "4:memory:/m\n2:cpu,cpuacct:/pod\n",
                "cg/cpu,cpuacct/pod/cpu.cfs_quota_us": "50000\n",
                "cg/cpu,cpuacct/pod/cpu.cfs_period_us": "100000\n",
            },
            0.5,
        ),
        (
            {
                "proc/self/cgroup": "2:cpu:/pod\n",
                "cg/cpu/pod/cpu.cfs_quota_us": "-1\n",
                "cg/cpu/pod/cpu.cfs_period_us": "100000\n",
            },
            None,
        ),
    ],
)
def test_quota(tmp_path: Path, files: dict[str, str], quota: float | None) -> None:
    write(tmp_path, files)
    assert cpu_quota(tmp_path / "proc", tmp_path / "cg") == quota


@pytest.mark.parametrize(("quota", "usable"), [(None, 8), (0.5, 1), (2.5, 2), (64.0, 8)])
def test_usable_cores_under_a_quota(quota: float | None, usable: int) -> None:
    assert Machine.made_up(8, quota=quota).usable == usable


def test_nvidia_smi() -> None:
    text = "0, GPU-aa, 143771, NVIDIA H200\n1, GPU-bb, [N/A], NVIDIA GB10\nno devices\n"
    assert [found.gpu for found in parse_nvidia_smi(text)] == [
        Gpu(index=0, name="NVIDIA H200", memory=143771 << 20),
        Gpu(index=1, name="NVIDIA GB10"),
    ]


@pytest.mark.parametrize(
    ("environment", "indices"),
    [
        ({}, [0, 1]),
        ({"CUDA_VISIBLE_DEVICES": ""}, []),
        ({"CUDA_VISIBLE_DEVICES": "1"}, [1]),
        ({"CUDA_VISIBLE_DEVICES": "1, 0"}, [1, 0]),
        ({"CUDA_VISIBLE_DEVICES": "GPU-b"}, [1]),
        ({"CUDA_VISIBLE_DEVICES": "0,7,1"}, [0]),
    ],
)
def test_gpus_that_the_driver_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], indices: list[int]
) -> None:
    monkeypatch.setenv("PATH", "")  # no nvidia-smi
    write(
        tmp_path,
        {
            "0000:01:00.0/information": "Model: \t\t NVIDIA A\nGPU UUID: \t GPU-aa\n",
            "0000:02:00.0/information": "Model: \t\t NVIDIA B\nGPU UUID: \t GPU-bb\n",
        },
    )
    assert [gpu.index for gpu in find_gpus(environment, tmp_path)] == indices


def test_no_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert find_gpus({}, tmp_path / "missing") == ()


def test_nvidia_smi_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "nvidia-smi"
    command.write_text("#!/bin/sh\necho '0, GPU-aa, 1, X'\nexit 9\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert find_gpus({}, tmp_path / "missing") == ()


def test_cores_are_dealt_in_turn() -> None:
    assert deal_cores(Machine.made_up(4), [1, 1, 1]) == ((0,), (1,), (2,))
    assert deal_cores(Machine.made_up(2), [1, 1, 1]) == ((0,), (1,), (0,))


def test_a_wide_worker_gets_cores_that_share_a_cache() -> None:
    machine = Machine.made_up(8, cores_per_l3=4)
    assert deal_cores(machine, [1, 3, 4]) == ((7,), (4, 5, 6), (0, 1, 2, 3))
    assert deal_cores(machine, [2, 4]) == ((4, 5), (0, 1, 2, 3))
    assert deal_cores(machine, [3, 3]) == ((0, 1, 2), (4, 5, 6))


def test_a_wide_worker_stays_on_one_numa_node() -> None:
    machine = Machine.made_up(12, cores_per_l3=2, cores_per_node=6)
    assert deal_cores(machine, [4, 4]) == ((0, 1, 2, 3), (6, 7, 8, 9))


def test_nobody_is_pinned_under_a_quota() -> None:
    machine = Machine.made_up(4, quota=2.5)
    assert deal_cores(machine, [1, 1]) == ((0, 1, 2, 3), (0, 1, 2, 3))
