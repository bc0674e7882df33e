"""The GPUs of this machine, found without loading any library that would start a driver context."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from rlreactor.planner.model import Frozen

__all__ = ["Gpu", "find_gpus", "parse_nvidia_smi"]

_COMMAND = (
    "nvidia-smi",
    "--query-gpu=index,uuid,memory.total,name",
    "--format=csv,noheader,nounits",
)
_PATIENCE = 10.0  # seconds; without its persistence mode the driver takes two or three to answer


class Gpu(Frozen):
    """One GPU. `memory` is in bytes, None where it cannot be read."""

    index: int
    name: str
    memory: int | None = None


class Found(NamedTuple):
    """A GPU with the name that CUDA_VISIBLE_DEVICES may call it by."""

    uuid: str
    gpu: Gpu


def find_gpus(
    environment: Mapping[str, str] = os.environ,
    driver: Path = Path("/proc/driver/nvidia/gpus"),
) -> tuple[Gpu, ...]:
    """The GPUs that this process may use, CUDA_VISIBLE_DEVICES respected; none is no error."""
    found = parse_nvidia_smi(_nvidia_smi()) or _from_driver(driver)
    return _visible(found, environment.get("CUDA_VISIBLE_DEVICES"))


def _nvidia_smi() -> str:
    if shutil.which(_COMMAND[0]) is None:
        return ""
    try:
        answer = subprocess.run(_COMMAND, capture_output=True, text=True, timeout=_PATIENCE)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout if answer.returncode == 0 else ""


def parse_nvidia_smi(text: str) -> list[Found]:
    """Its lines `0, GPU-6f…, 143771, NVIDIA H200`; memory is in MiB."""
    rows = [[part.strip() for part in line.split(",", 3)] for line in text.splitlines()]
    return [
        Found(uuid, Gpu(index=int(index), name=name, memory=_mebibytes(memory)))
        for index, uuid, memory, name in (row for row in rows if len(row) == 4 and row[0].isdigit())
    ]


def _mebibytes(text: str) -> int | None:
    return int(text) << 20 if text.isdigit() else None


def _from_driver(driver: Path) -> list[Found]:
    try:
        texts = [path.read_text() for path in sorted(driver.glob("*/information"))]
    except OSError:
        return []
    found: list[Found] = []
    for index, text in enumerate(texts):
        facts = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        gpu = Gpu(index=index, name=facts.get("Model", "unknown").strip())
        found.append(Found(facts.get("GPU UUID", "").strip(), gpu))
    return found


def _visible(found: list[Found], names: str | None) -> tuple[Gpu, ...]:
    if names is None:
        return tuple(entry.gpu for entry in found)
    visible: list[Gpu] = []
    for name in filter(None, (part.strip() for part in names.split(","))):
        match = [f.gpu for f in found if name == str(f.gpu.index) or f.uuid.startswith(name)]
        if not match:  # what CUDA does too: the first unknown name hides the rest
            break
        visible.append(match[0])
    return tuple(visible)
