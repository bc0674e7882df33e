"""How much processor time the cgroups of this process allow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

__all__ = ["cpu_quota"]


def cpu_quota(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Cores' worth of time that the tightest cgroup grants; None without a limit."""
    quotas = [quota for folder in _folders(proc, cgroups) for quota in _quota(folder)]
    return min(quotas, default=None)


def _folders(proc: Path, cgroups: Path) -> Iterator[Path]:
    """The cpu cgroups of this process with all above them; a namespace may hide some."""
    for line in _read(proc / "self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        names = controllers.split(",")
        if controllers and "cpu" not in names:
            continue
        for root in (cgroups, cgroups / "cpu", cgroups / controllers):
            folder = root / path.lstrip("/")
            yield folder
            yield from (above for above in folder.parents if above.is_relative_to(root))


def _quota(folder: Path) -> Iterator[float]:
    """Version 2 keeps both numbers in one file, version 1 in two; `max` and -1 mean no limit."""
    both = _read(folder / "cpu.max").split()
    separate = [_read(folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")]
    for pair in (both, separate):
        if len(pair) == 2 and pair[0].isdigit() and pair[1].isdigit() and int(pair[1]):
            yield int(pair[0]) / int(pair[1])


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
