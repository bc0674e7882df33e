"""Running a program that reports one JSON object on its last line."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import psutil

from bench.machine import ROOT
from bench.measure import Missing

__all__ = ["LAUNCHED", "kill", "last_json", "last_words", "python_module", "start", "wait"]

LAUNCHED = "BENCH_LAUNCHED_NS"
"""Environment variable that tells a program when its command was given, on the monotonic clock, in ns."""


def start(
    command: Sequence[str | Path],
    environment: Mapping[str, str] | None = None,
    folder: Path = ROOT,
    *,
    stdin: int | None = None,
    stderr: int | IO[str] = subprocess.PIPE,
) -> subprocess.Popen[str]:
    """Start `command` in `folder`. Raises Missing when there is no such program."""
    variables = {**os.environ, **(environment or {}), LAUNCHED: str(time.monotonic_ns())}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # where it is set, only what pip installed is kept as bytecode
    try:
        return subprocess.Popen(
            command, cwd=folder, env=variables, text=True, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr
        )
    except FileNotFoundError:
        raise Missing(f"{Path(command[0]).name} is not there") from None


def wait(process: subprocess.Popen[str], heard: str = "") -> dict[str, Any]:
    """What the program reported; `heard` is output that was read before. Raises Missing, with its last words."""
    try:
        output, errors = process.communicate()
    except BaseException:
        kill(process.pid)
        raise
    if process.returncode != 0:
        words = last_words(errors.strip() or heard + output)
        raise Missing(f"it ended with status {process.returncode}: {words}")
    return last_json(heard + output)


def last_words(text: str) -> str:
    """The last line of what somebody said."""
    return (text.strip() or "no words").splitlines()[-1]


def kill(pid: int) -> None:
    """End a process and all that it has started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()


def last_json(output: str) -> dict[str, Any]:
    """The JSON object on the last line. Raises Missing when there is none."""
    lines = output.strip().splitlines()
    try:
        report: Any = json.loads(lines[-1])
    except (IndexError, ValueError):
        report = None
    if not isinstance(report, dict):
        raise Missing("its last line is not a JSON object")
    return {str(name): value for name, value in report.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def python_module(module: str, *arguments: str, **environment: str) -> Callable[[], dict[str, Any]]:
    """A run of `python -m module` with this interpreter."""
    return lambda: wait(start([sys.executable, "-m", module, *arguments], environment))
