"""How much memory there is, in made-up /proc and /sys/fs/cgroup trees and in the real ones."""

from pathlib import Path

import pytest

from rlreactor.links.memory import Room, describe_bytes, memory_room

GIB = 1 << 30


def write(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def proc(tmp_path: Path, cgroup: str) -> Path:
    return write(
        tmp_path / "proc",
        meminfo=f"MemTotal: 99 kB\nMemAvailable: {8 * GIB // 1024} kB\n",
        self__cgroup=cgroup,
    )


def test_without_a_limit_the_machine_counts(tmp_path: Path) -> None:
    folder = write(tmp_path / "cgroup" / "a", **{"memory.max": "max\n", "memory.current": "5\n"})
    room = memory_room(proc(tmp_path, "0::/a\n"), folder.parent)
    assert room == Room(8 * GIB, None, None)
    assert room.free == 8 * GIB
    assert str(room) == "MemAvailable 8,589,934,592 bytes (8.0 GiB), no cgroup limit"


def test_version_2_the_tightest_ancestor_counts(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    write(root / "a/b", **{"memory.max": f"{4 * GIB}\n", "memory.current": "0\n"})
    write(
        root / "a",
        **{
            "memory.max": f"{6 * GIB}\n",
            "memory.current": f"{5 * GIB}\n",
            "memory.stat": f"anon 7\ninactive_file {2 * GIB}\n",
        },
    )
    room = memory_room(proc(tmp_path, "0::/a/b\n"), root)
    assert room == Room(8 * GIB, 6 * GIB, 3 * GIB)
    assert room.free == 3 * GIB
    assert "cgroup limit 6,442,450,944 bytes (6.0 GiB) with 3,221,225,472" in str(room)


def test_version_1_and_a_hidden_path(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    files = {"memory.limit_in_bytes": f"{GIB}\n", "memory.usage_in_bytes": f"{2 * GIB}\n"}
    write(root / "memory", **files)
    room = memory_room(proc(tmp_path, "9:cpu:/x\n4:memory:/not/here\n"), root)
    assert room == Room(8 * GIB, GIB, 0)


def test_this_machine_has_room() -> None:
    assert memory_room().free > 1 << 20


@pytest.mark.parametrize(
    ("count", "text"),
    [(12, "12 bytes"), (3 << 20, "3,145,728 bytes (3.0 MiB)")],
)
def test_bytes_are_exact_and_readable(count: int, text: str) -> None:
    assert describe_bytes(count) == text
