"""Slots that have whatever this process has: programs that a test made up need not be importable.

They are forked by a process that was forked before the caller had any sockets: a process with ZeroMQ's must not fork.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from rlreactor import Plan, Reactor, Result
from rlreactor.deployment import program
from rlreactor.deployment.agent import serve
from rlreactor.deployment.caller import deploy
from rlreactor.deployment.engines.processes import ended_with
from rlreactor.deployment.job import Job, JobOptions, Slot
from rlreactor.links.keys import read_slot_keys

__all__ = ["Forked", "deploy_here", "forked_slots", "job_for"]


class Forked:
    """Implements `Engine` and `StartedSlots`."""

    caller_address = "127.0.0.1"
    caller_ports: tuple[int, int] | None = None

    def __init__(self) -> None:
        orders, self._orders = os.pipe()
        self._news, news = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._orders)
            os.close(self._news)
            os.setpgid(0, 0)
            try:
                _fork_slots(orders, news)
            finally:
                os._exit(0)
        os.close(orders)
        os.close(news)
        self._ended: dict[int, str] = {}
        self.pids: dict[int, int] = {}

    def start(self, job: Job, caller: str, keys: Path) -> Forked:
        words = [[slot, job.plan_hash, caller, str(keys)] for slot in range(len(job.slots))]
        os.write(self._orders, (json.dumps(words) + "\n").encode())
        while len(self.pids) < len(job.slots):
            self._hear(10.0)
        return self

    def _hear(self, timeout_s: float = 0.0) -> None:
        while select.select([self._news], [], [], timeout_s)[0]:
            text = os.read(self._news, 1 << 16).decode()
            if not text:
                return
            for kind, slot, number in map(str.split, text.splitlines()):
                if kind == "pid":
                    self.pids[int(slot)] = int(number)
                else:
                    self._ended[int(slot)] = ended_with(int(number))
            timeout_s = 0.0

    def ended(self) -> Mapping[int, str]:
        self._hear()
        return dict(self._ended)

    def stop(self) -> None:
        self.close()

    def close(self) -> None:
        if self._orders >= 0:
            os.close(self._orders)
            os.waitpid(self._pid, 0)
            os.close(self._news)
            self._orders = -1


def _fork_slots(orders: int, news: int) -> None:
    words = json.loads(os.read(orders, 1 << 16) or b"[]")
    pids: dict[int, int] = {}
    for slot, *rest in words:
        pid = os.fork()
        if pid == 0:
            os.close(orders)
            os._exit(_slot(slot, *rest))
        pids[pid] = slot
        os.write(news, f"pid {slot} {pid}\n".encode())
    while True:
        over = bool(select.select([orders], [], [], 0.01)[0])
        for pid in list(pids):
            if over:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            found, status = os.waitpid(pid, 0 if over else os.WNOHANG)
            if found:
                os.write(news, f"ended {pids.pop(pid)} {os.waitstatus_to_exitcode(status)}\n".encode())
        if over:
            return


def _slot(slot: int, plan_hash: str, caller: str, keys: str) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return serve(slot, plan_hash, caller, read_slot_keys(Path(keys), slot))
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


@contextlib.contextmanager
def forked_slots(topology: Reactor, make: Callable[[], Forked] = Forked) -> Generator[Forked]:
    """Jobs that are deployed meanwhile run this topology, whatever they are called."""

    def load(reference: str, parameters: Mapping[str, Any]) -> Reactor:
        return type(topology)(**{**topology.parameters, **parameters})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(program, "load", load)
        engine = make()
        try:
            yield engine
        finally:
            engine.close()


def job_for(plan: Plan, slots: Sequence[Sequence[int]], **options: Any) -> Job:
    """Workers on slots of this machine; host 0 is called h0."""
    return Job(
        topology="made:Up",
        plan=plan,
        slots=tuple(Slot(host=f"h{i}", workers=tuple(s), address="127.0.0.1") for i, s in enumerate(slots)),
        options=JobOptions(**options),
    )


def deploy_here(topology: Reactor, plan: Plan, slots: Sequence[Sequence[int]], **options: Any) -> Result:
    """The result of a run on these slots."""
    with forked_slots(topology) as engine:
        return deploy(job_for(plan, slots, **options), engine)
