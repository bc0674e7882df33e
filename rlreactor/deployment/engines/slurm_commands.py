"""Slurm's own commands."""

from __future__ import annotations

import subprocess

from rlreactor.deployment.engines.processes import ended_with
from rlreactor.errors import RunError

__all__ = ["said", "started"]


def started(*words: str) -> subprocess.Popen[str]:
    """A command with pipes; Ctrl-C is not for it. Raises RunError when there is none."""
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    except FileNotFoundError as error:
        raise RunError(f"there is no {words[0]} here: the engine slurm needs Slurm's commands") from error


def said(*words: str) -> str:
    """What a command says. Raises RunError with its complaint when it fails."""
    process = started(*words)
    answer, complaint = process.communicate()
    if process.returncode:
        raise RunError(f"{words[0]}: {complaint.strip() or ended_with(process.returncode)}")
    return answer
