"""What a figure was measured on; nothing in it names the machine or a folder of it."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from rlreactor.compiled import engine

__all__ = ["OPPONENTS", "ROOT", "describe"]

ROOT = Path(__file__).parent.parent
_PACKAGES = ("rlreactor", "numpy", "gymnasium", "torch", "ale-py")
OPPONENTS = {
    "sb3": "stable-baselines3",
    "ray": "ray",
    "plain": "envpool",
    "sample-factory": "sample-factory",
    "xronos": "xronos",
}
"""The virtual environments bench/.venv-NAME, and whose version matters there."""


def describe() -> dict[str, Any]:
    """CPU, cores, memory, versions, git revision and load, as plain data."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "engine": engine(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "opponents": _opponents(),
        "revision": _git("rev-parse", "HEAD"),
        "modified": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "load": [round(average, 2) for average in os.getloadavg()],
    }


def _cpu_model() -> str:
    """The model's name, and its numbers: a virtual machine's name alone says little."""
    wanted = ("model name", "cpu family", "model", "stepping")
    found: dict[str, str] = {}
    cpuinfo = Path("/proc/cpuinfo")
    for line in cpuinfo.read_text().splitlines() if cpuinfo.exists() else ():
        name, _, value = line.partition(":")
        found.setdefault(name.strip(), value.strip())
    if "model name" not in found:
        return platform.processor() or platform.machine()
    numbers = ", ".join(f"{name} {found[name]}" for name in wanted[1:] if name in found)
    return f"{found['model name']} ({numbers})"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _opponents() -> dict[str, str]:
    """Versions of those that are installed."""
    found = {package: _version_in(ROOT / "bench" / f".venv-{name}", package) for name, package in OPPONENTS.items()}
    return {package: version for package, version in found.items() if version is not None}


def _version_in(environment: Path, package: str) -> str | None:
    packages = [str(path) for path in environment.glob("lib/python*/site-packages")]
    return next((found.version for found in metadata.distributions(name=package, path=packages)), None)


def _git(*arguments: str) -> str | None:
    try:
        return subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
