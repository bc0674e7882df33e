"""What a result depends on, written down beside it."""

from __future__ import annotations

import datetime
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rlreactor.graph import Graph
from rlreactor.reactor import class_path

__all__ = ["describe_program", "describe_surroundings", "now"]

_NUMERIC_FLAGS = re.compile(r"sse4_2|avx\w*|fma|f16c|amx\w*|asimd\w*|sve\w*|bf16|i8mm")


def describe_program(graph: Graph, seed: int) -> dict[str, Any]:
    """The specification of a run: with the same one, every placement gives the same bits."""
    from pydantic_core import to_jsonable_python

    return {
        "topology": class_path(type(graph.topology)),
        "parameters": to_jsonable_python(dict(graph.topology.parameters), inf_nan_mode="strings"),
        "seed": seed,
        "threads": {path: graph.placing[path].threads if path in graph.placing else 1 for path in graph.reactors},
    }


def describe_surroundings(packages: Iterable[str]) -> dict[str, Any]:
    """Versions, processor and revision of the sources: what else the bits depend on."""
    import rlreactor

    source = Path(rlreactor.__file__).resolve().parent
    return {
        "argv": sys.argv,
        "versions": {"rlreactor": rlreactor.__version__, "python": platform.python_version(), **_versions(packages)},
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "git": {"rlreactor": _revision(source), "working_directory": _revision(Path.cwd())},
    }


def now() -> str:
    """The time of day, UTC, to a millisecond."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def _versions(packages: Iterable[str]) -> dict[str, str]:
    """Of those that are installed. Nothing is imported for it."""
    found: dict[str, str] = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> dict[str, Any]:
    facts = _processor_facts()
    flags = f"{facts.get('flags', '')} {facts.get('Features', '')}".split()
    return {
        "architecture": platform.machine(),
        "model": facts.get("model name", platform.processor() or "unknown"),
        "flags": sorted(flag for flag in flags if _NUMERIC_FLAGS.fullmatch(flag)),
        "cores": len(os.sched_getaffinity(0)),
    }


def _processor_facts() -> dict[str, str]:
    """Of the first core that /proc/cpuinfo lists."""
    try:
        text = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _revision(folder: Path) -> str | None:
    """Commit of the checkout that `folder` is in, with "-dirty" where files differ; None outside of one."""
    command = ["git", "-C", str(folder), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
