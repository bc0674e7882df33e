"""A program that stays, and measures a slice of one of its forms whenever it is asked: the driver's side.

`bench.contestants.slices` is the program's side, and has the protocol.
"""

from __future__ import annotations

import contextlib
import json
import math
import select
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from bench.contestants.slices import READY, SLICES
from bench.measure import Missing
from bench.program import kill, last_words, start, wait

__all__ = ["GRACE_S", "Program"]

GRACE_S = 20.0
"""What a program gets to end by itself: Ray takes some seconds."""


class Program:
    """It can be run once, in a process of its own; or be started, asked for slices, and ended."""

    def __init__(self, command: Callable[[], Sequence[str | Path]]) -> None:
        """`command` starts it; it raises Missing where that cannot be had."""
        self._command = command
        self._running: _Running | None = None
        self._missing = ""

    def __call__(self) -> Mapping[str, Any]:
        """Run every form once in a fresh process; what it reported. Raises Missing."""
        return wait(start(self._command()))

    @property
    def pid(self) -> int | None:
        """Of its process, while it is there."""
        return self._running.process.pid if self._running else None

    def start(self) -> None:
        """Let it make its preparations; who cannot be started is missing from then on."""
        if self._running is None and not self._missing:
            try:
                self._running = _Running(self._command())
            except Missing as missing:
                self._missing = str(missing)

    def ready(self, seconds: float = math.inf) -> None:
        """Wait so long until it has made them; who takes longer is ended, so as not to disturb the others."""
        with contextlib.suppress(Missing):
            running = self._there()
            if not running.speaks(seconds):
                self._missing = f"it had not made its preparations after {max(0.0, seconds):.0f} s"
                self.end(0)
            elif self._hear(running) != READY:
                self._missing = f"it was not {READY!r} before its first slice"

    def slice(self, form: str) -> Mapping[str, Any]:
        """What one slice measured. Raises Missing when this form, or the whole program, fails."""
        running = self._there()
        running.tell(form)
        found = self._hear(running)
        if not isinstance(found, dict):
            raise Missing(str(found))
        return cast("Mapping[str, Any]", found)

    def let_go(self) -> None:
        """Tell it that there is nothing more to do."""
        if self._running is not None:
            self._running.let_go()

    def end(self, seconds: float = GRACE_S) -> None:
        """Wait until it has ended, or end it and all that it has started."""
        if self._running is not None:
            running, self._running = self._running, None
            running.end(seconds)

    def _there(self) -> _Running:
        if self._missing or self._running is None:
            raise Missing(self._missing or "it was not started")
        return self._running

    def _hear(self, running: _Running) -> Any:
        """What it says next. Raises Missing, now and from now on, when that is no JSON or it has ended."""
        try:
            return json.loads(running.line())
        except ValueError:
            self._missing = running.last_words()
            raise Missing(self._missing) from None


class _Running:
    """The process of a program."""

    def __init__(self, command: Sequence[str | Path]) -> None:
        """Raises Missing when there is no such program."""
        with contextlib.ExitStack() as stack:
            self.errors = stack.enter_context(tempfile.TemporaryFile("w+"))  # a pipe that nobody reads would fill
            self.process = start(command, {SLICES: "1"}, stdin=subprocess.PIPE, stderr=self.errors)
            self._files = stack.pop_all()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._files.enter_context(self.process.stdout)
        self._orders, self._answers = self.process.stdin, self.process.stdout

    def tell(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has ended, which its answer will tell
            print(line, file=self._orders, flush=True)

    def speaks(self, seconds: float) -> bool:
        """Whether there is something to hear of it within this time, or it has ended."""
        ready, _, _ = select.select([self._answers], [], [], None if math.isinf(seconds) else max(0.0, seconds))
        return bool(ready)

    def line(self) -> str:
        return self._answers.readline()

    def last_words(self) -> str:
        """How it ended; when it has not, it does now."""
        self._wait(1)
        status = self.process.wait()
        self.errors.seek(0)
        return f"it ended with status {status}: {last_words(self.errors.read())}"

    def let_go(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._orders.close()

    def end(self, seconds: float) -> None:
        self.let_go()
        try:
            self._wait(seconds)
        finally:
            self.process.wait()
            self._files.close()

    def _wait(self, seconds: float) -> None:
        """For its end by itself; after that, and when we are interrupted, all of it is killed."""
        try:
            self.process.wait(seconds)
        except BaseException as error:
            kill(self.process.pid)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
