"""One experiment as a process of its own: what it says is passed on, its time is limited, and nothing of it is left."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

import psutil

from bench.experiment import Experiment
from bench.interruption import DEADLINE
from bench.leftovers import removed
from bench.machine import ROOT
from bench.program import kill
from bench.report import FOLDER

__all__ = ["Outcome", "run"]

GRACE_S = 20.0
"""What an experiment gets to write down its finished rounds."""
_PR_SET_CHILD_SUBREAPER = 36


class Outcome(NamedTuple):
    """How an experiment ended.

    Attributes:
        experiment: which.
        seconds: how long it took.
        written: whether there is a new result, of all rounds or of those that were finished.
        trouble: why it is not complete; empty when it is.
        interrupt: what the user interrupted it with.
    """

    experiment: Experiment
    seconds: float
    written: bool
    trouble: str
    interrupt: KeyboardInterrupt | None


def run(experiment: Experiment, results: Path, *, quick: bool) -> Outcome:
    """Run `python -m bench.NAME`; Ctrl-C and the end of its time end it, and keep the rounds that were finished."""
    begun = time.monotonic()
    file = results / f"{experiment.name}.json"
    before = _stamp(file)
    with removed(), _started(experiment, results, quick=quick) as (process, words):
        interrupt, trouble = _wait(process, experiment.seconds(quick))
    written = _stamp(file) != before
    if not (trouble or written):
        trouble = f"it ended with status {process.returncode}: {(words or ['no words'])[-1]}"
    return Outcome(experiment, time.monotonic() - begun, written, trouble, interrupt)


def _stamp(file: Path) -> int | None:
    return file.stat().st_mtime_ns if file.exists() else None


@contextlib.contextmanager
def _started(
    experiment: Experiment, results: Path, *, quick: bool
) -> Generator[tuple[subprocess.Popen[str], list[str]]]:
    """The process and, growing, what it says on stderr; afterwards nothing that it started is left."""
    _watch_over_children()
    deadline = time.monotonic() + experiment.seconds(quick)
    ours = set(psutil.Process().children())
    words: list[str] = []
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", f"bench.{experiment.name}", *experiment.options(quick)], cwd=ROOT,
            env={**os.environ, FOLDER: str(results), DEADLINE: str(deadline)},
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            start_new_session=True,  # a terminal's Ctrl-C comes to us alone, and goes on once
        )  # fmt: skip
        relay = threading.Thread(target=_relay, args=(process, words))
        relay.start()
        yield process, words
    finally:
        _end_all(ours)
    process.wait()
    relay.join()


def _watch_over_children() -> None:
    """Who loses its parent becomes a child of ours; and all of them can be interrupted."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job hands that on
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _relay(process: subprocess.Popen[str], words: list[str]) -> None:
    assert process.stderr is not None
    with process.stderr:
        for line in process.stderr:
            print(line, end="", file=sys.stderr, flush=True)
            words += [line.strip()] if line.strip() else []


def _end_all(spared: set[psutil.Process]) -> None:
    """Until there are none: whoever loses its parent by that appears here in the next round."""
    while left := [child for child in psutil.Process().children() if child not in spared]:
        for child in left:
            kill(child.pid)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child.pid, 0)


def _wait(process: subprocess.Popen[str], limit_s: float) -> tuple[KeyboardInterrupt | None, str]:
    """By whom it was interrupted, and what was wrong."""
    try:
        process.wait(limit_s)
    except KeyboardInterrupt as interrupt:
        _interrupt(process)
        return interrupt, "interrupted"
    except subprocess.TimeoutExpired:
        _interrupt(process)
        return None, f"its time of {limit_s:g} s was over"
    return None, ""


def _interrupt(process: subprocess.Popen[str]) -> None:
    """Let it end in peace, unless that takes long or the user insists."""
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        process.wait(GRACE_S)
