"""The cores that this process may use, and how near they are to each other."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from rlreactor.planner.model import Frozen

__all__ = ["Core", "by_nearness", "parse_cpu_list", "usable_cores"]

SYSTEM = Path("/sys/devices/system")


class Core(Frozen):
    """One logical core. A group of neighbours is named by its lowest core; alone where nothing is known.

    Attributes:
        id: the number by which the kernel knows it.
        package: the socket.
        node: the NUMA node.
        l2, l3: lowest core that shares this cache.
        physical: lowest core among its SMT siblings, itself included.
        host: the machine, where several are planned for.
    """

    id: int
    package: int = 0
    node: int = 0
    l2: int
    l3: int
    physical: int
    host: int = 0


def by_nearness(cores: Iterable[Core]) -> tuple[Core, ...]:
    """Neighbours side by side, every physical core once before any of them comes a second time.

    A second SMT thread adds perhaps a fifth of a core, so it is dealt out last.
    """
    seen: dict[int, int] = {}
    turns: list[tuple[int, int, int, int, int, Core]] = []
    for core in sorted(cores, key=lambda core: core.id):
        turn = seen[core.physical] = seen.get(core.physical, -1) + 1
        turns.append((turn, core.package, core.node, core.l3, core.id, core))
    return tuple(core for *_, core in sorted(turns, key=lambda entry: entry[:-1]))


def usable_cores(system: Path = SYSTEM) -> tuple[Core, ...]:
    """The cores in this process's affinity mask, with what /sys tells of them."""
    nodes = _numa_nodes(system / "node")
    return by_nearness(_core(system / f"cpu/cpu{i}", i, nodes) for i in _affinity())


def _affinity() -> Iterable[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return range(os.cpu_count() or 1)


def _core(folder: Path, index: int, nodes: dict[int, int]) -> Core:
    siblings = parse_cpu_list(_read(folder / "topology/thread_siblings_list"))
    return Core(
        id=index,
        package=_integer(_read(folder / "topology/physical_package_id")),
        node=nodes.get(index, 0),
        l2=_sharing(folder, 2, index),
        l3=_sharing(folder, 3, index),
        physical=min(siblings, default=index),
    )


def _sharing(folder: Path, level: int, index: int) -> int:
    """The lowest core that shares the cache of this level."""
    for cache in sorted(folder.glob("cache/index*")):
        if _read(cache / "level") == str(level):
            return min(parse_cpu_list(_read(cache / "shared_cpu_list")), default=index)
    return index


def _numa_nodes(folder: Path) -> dict[int, int]:
    nodes = sorted(folder.glob("node[0-9]*"))
    return {
        core: int(node.name.removeprefix("node")) for node in nodes for core in parse_cpu_list(_read(node / "cpulist"))
    }


def parse_cpu_list(text: str) -> list[int]:
    """`0-2,8` as [0, 1, 2, 8]; nothing for text that is no such list."""
    cores: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if first.isdigit() and (not last or last.isdigit()):
            cores += range(int(first), int(last or first) + 1)
    return cores


def _integer(text: str) -> int:
    return max(int(text), 0) if text.lstrip("-").isdigit() else 0


def _read(path: Path) -> str:
    # Restricted containers hide parts of /sys, or answer with an error from the kernel.
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
