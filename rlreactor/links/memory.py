"""How much memory this process may still take: what the machine has and what its cgroups allow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Room", "describe_bytes", "memory_room"]

_UNLIMITED = 1 << 60  # cgroup v1 says "no limit" with a number near 2**63


class Room(NamedTuple):
    """Bytes left on the machine, and in the tightest cgroup where one has a limit."""

    available: int
    cgroup_limit: int | None
    cgroup_free: int | None

    @property
    def free(self) -> int:
        """Bytes that can be taken before somebody is killed for it."""
        if self.cgroup_free is None:
            return self.available
        return min(self.available, self.cgroup_free)

    def __str__(self) -> str:
        text = f"MemAvailable {describe_bytes(self.available)}"
        if self.cgroup_limit is None or self.cgroup_free is None:
            return f"{text}, no cgroup limit"
        limit, free = describe_bytes(self.cgroup_limit), describe_bytes(self.cgroup_free)
        return f"{text}, cgroup limit {limit} with {free} free"


def describe_bytes(count: int) -> str:
    """A number of bytes for an error message: exact, and in GiB or MiB when it is large."""
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20)):
        if count >= size:
            return f"{count:,} bytes ({count / size:.1f} {unit})"
    return f"{count:,} bytes"


def memory_room(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> Room:
    """The room that this process has now. Raises OSError on a system that does not tell."""
    limits = [limit for folder in _folders(proc, cgroups) for limit in _limit(folder)]
    limit, free = min(limits, key=lambda pair: pair[1], default=(None, None))
    return Room(_mem_available(proc), limit, free)


def _mem_available(proc: Path) -> int:
    for line in (proc / "meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"{proc}/meminfo has no MemAvailable line (Linux before 3.14)")


def _folders(proc: Path, cgroups: Path) -> Iterator[Path]:
    """The memory cgroups of this process, innermost first; a namespace may hide some."""
    for line in _read(proc / "self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root = cgroups
        elif "memory" in controllers.split(","):
            root = cgroups / "memory"
        else:
            continue
        folder = root / path.lstrip("/")
        yield folder
        yield from (above for above in folder.parents if above.is_relative_to(root))


def _limit(folder: Path) -> Iterator[tuple[int, int]]:
    """(limit, free) of one cgroup, v2 or v1; nothing where there is no limit."""
    for limit_name, usage_name, cache_name in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        limit, usage = _read(folder / limit_name).strip(), _read(folder / usage_name).strip()
        if limit.isdigit() and usage.isdigit() and int(limit) < _UNLIMITED:
            used = max(0, int(usage) - _statistic(folder, cache_name))
            yield int(limit), max(0, int(limit) - used)


def _statistic(folder: Path, name: str) -> int:
    """One line of memory.stat, in bytes: page cache that the kernel gives up before it kills."""
    for line in _read(folder / "memory.stat").splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
