"""Runs on several slots: the same result as on one worker, and the same failure; whoever does not belong is refused.

RLREACTOR_SLOT_PROGRAMS says how many random programs are run, RLREACTOR_HOSTILE how many connections are made to every
socket, RLREACTOR_EVERY_SEMANTICS_PROGRAM=1 that none of those programs is left out.
"""

from __future__ import annotations

import inspect
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, cast

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from rlreactor import Input, Output, Plan, Reactor, Result, RunError, Timer, check, ms, reaction, run, startup, state
from rlreactor.deployment.caller import deploy
from rlreactor.deployment.job import Job
from rlreactor.deployment.spec import Deployment
from rlreactor.links.keys import make_keys
from rlreactor.runtime import intake, meeting
from rlreactor.runtime.metrics import Metric
from rlreactor.runtime.preludes import JITTER
from rlreactor.runtime.result import Interrupt

from .. import placements, test_semantics_programs
from ..links.test_doorkeeper import greeting, noise, nothing, reset
from ..placements import TINY, Where, placed, together
from ..programs import random_program
from ..runtime.processes import descriptors, shared_files
from ..runtime.test_failures import Several
from ..runtime.topologies import Pair
from ..test_random_programs import SIZES, difference, outcome, placement
from ..test_record_failure import FragilePlant
from ..watchdog import children, watched
from .forked import Forked, deploy_here, forked_slots, job_for

COUNT = int(os.environ.get("RLREACTOR_SLOT_PROGRAMS", "8"))
FIRST = int(os.environ.get("RLREACTOR_FIRST_PROGRAM", "0"))
BATCH = 8
TICKS = 3000
HOSTILE = int(os.environ.get("RLREACTOR_HOSTILE", "60"))


def split(chance: Random, workers: int) -> list[list[int]]:
    """The workers on two or three slots, or on one each."""
    count = chance.randint(2, min(3, workers)) if workers > 1 else 1
    order = list(range(workers))
    chance.shuffle(order)
    return [sorted(order[i::count]) for i in range(count)]


def on_slots(topology: Reactor, where: Where, chance: Random, timeout: int | None, **options: Any) -> Result | str:
    plan = placed(topology, where, **options)
    try:
        return deploy_here(topology, plan, split(chance, len(plan.workers)), timeout=timeout, trace=True)
    except RunError as error:
        return str(error)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(FIRST, FIRST + COUNT, BATCH))
def test_random_programs(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(first, min(first + BATCH, FIRST + COUNT)):
        chance = Random(f"{seed} on slots")
        program = random_program(seed, chance.choice(SIZES))
        topology = program.topology()
        groups = together(check(topology))
        expected = outcome(topology, {}, timeout=program.timeout)
        where, options = placement(chance, groups)
        with monkeypatch.context() as patch:
            patch.setattr(meeting, "ring_capacity", chance.choice([256, 4096, 128 << 10]))
            patch.setattr(intake, "BACKLOG", chance.choice([2, 20, 4096]))
            with watched(60):
                result = on_slots(topology, where, chance, program.timeout, **options)
        found = difference(groups, expected, result)
        assert not found, f"random_program({seed}) on {where} with {options}: {found}\n{program.source}"


PROGRAMS: dict[str, Callable[..., None]] = {
    name: program for name, program in vars(test_semantics_programs).items() if name.startswith("test_")
}
EVERY = int(os.environ.get("RLREACTOR_EVERY_SEMANTICS_PROGRAM", "3"))


@pytest.mark.parametrize("name", list(PROGRAMS)[::EVERY])
def test_the_programs_of_the_semantics(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first placement on several workers of each, with every worker on a slot of its own."""
    deployed: list[int] = []

    def run_or_deploy(topology: Reactor, *, plan: Plan, **options: Any) -> Result:
        workers = len(plan.workers)
        if workers == 1 or deployed or options.keys() & {"observe", "record", "replay"}:
            return run(topology, plan=plan, **options)
        deployed.append(workers)
        with watched(60):
            return deploy_here(topology, plan, [[worker] for worker in range(workers)], **options)

    monkeypatch.setattr(placements, "run", run_or_deploy)
    offered: dict[str, Any] = {"monkeypatch": monkeypatch, "where": {"plant": 0, "controller": 1}}
    program = PROGRAMS[name]
    program(**{parameter: offered[parameter] for parameter in inspect.signature(program).parameters})


def test_metrics_arrive_while_the_run_goes_on() -> None:
    seen: list[Metric] = []
    plan = placed(Logging(), {"one": 0, "other": 1})
    with watched(60), forked_slots(Logging()) as engine:
        result = deploy(job_for(plan, [[0], [1]], timeout=ms(20)), engine, observe=seen.append)
    expected = run(Logging(), workers=1, timeout=ms(20))
    assert result.metrics == expected.metrics
    assert len(seen) == sum(map(len, expected.metrics.values()))


class Counting(Reactor):
    """Logs a number at every tick."""

    tick = Timer(0, ms(1))

    @reaction(tick)
    def count(self) -> None:
        self.log(number=self.tag.time)


class Logging(Reactor):
    """Two of them."""

    def compose(self) -> None:
        self.one, self.other = Counting(), Counting()


class Heavy(Reactor):
    """Ends with more state than fits into one frame."""

    weights: NDArray[np.float64] = state()

    @reaction(startup)
    def make(self) -> None:
        self.weights = np.arange(3 << 20, dtype=np.float64)  # 24 MB


class Both(Reactor):
    def compose(self) -> None:
        self.one, self.other = Heavy(), Heavy()


class Passing(Reactor):
    """Adds up what comes in, and passes it on; half way it waits until there is a file."""

    gate: str
    tick = Timer(0, 1)
    out = Output(int)
    inp = Input(int)
    total: int = state(0)

    @reaction(tick, reads=[inp], effects=[out])
    def go(self) -> None:
        self.total += self.inp.value if self.inp.present else 1
        self.out.set(self.total % 1000)
        if self.tag.time == 10:
            self.log(going=True)
        while self.tag.time == TICKS // 2 and not Path(self.gate).exists():
            time.sleep(0.01)


class Ring(Reactor):
    """Two that need each other at every tick."""

    gate: str

    def compose(self) -> None:
        self.one, self.other = Passing(gate=self.gate), Passing(gate=self.gate)
        self.connect(self.one.out, self.other.inp, after=1)
        self.connect(self.other.out, self.one.inp, after=1)


def doors(pids: Iterable[int]) -> list[int]:
    """Ports on which these processes, and those that they started, listen."""
    family = [process for pid in pids for process in (psutil.Process(pid), *psutil.Process(pid).children(True))]
    return sorted(
        {
            connection.laddr.port
            for process in family
            for connection in process.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        }
    )


@pytest.mark.timeout(900)
def test_hostile_connections_to_every_socket_of_a_run(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """Nothing of the result changes, and the caller warns of where they wanted to go."""
    ports: list[int] = []
    before: list[int] = []
    grown: list[int] = []
    chance, gate = Random(1), tmp_path / "gate"

    def knock(metric: Metric) -> None:
        if ports:
            return
        ports.extend(doors([os.getpid(), *engine.pids.values()]))
        workers = [process.pid for slot in engine.pids.values() for process in psutil.Process(slot).children(True)]
        before.extend(psutil.Process(pid).memory_info().rss for pid in workers)
        for _ in range(HOSTILE):
            for port in ports:
                with socket.create_connection(("127.0.0.1", port), timeout=10) as hostile, suppress(OSError):
                    chance.choice([nothing, noise, greeting, reset])(hostile, chance)
        grown.extend(psutil.Process(pid).memory_info().rss for pid in workers)
        gate.touch()

    topology = Ring(gate=str(gate))
    plan = placed(topology, {"one": 0, "other": 1})
    with watched(600), forked_slots(topology) as engine:
        result = deploy(job_for(plan, [[0], [1]], timeout=TICKS), engine, observe=knock)
    expected = run(topology, workers=1, timeout=TICKS)
    assert result.fingerprint == expected.fingerprint
    assert all(after - first < 20 << 20 for first, after in zip(before, grown, strict=True))
    assert len(before) == 4  # two workers, and their slots' lines
    assert len(ports) == 3  # the caller's, and one for each link
    for who in ("slot 0 on h0", "slot 1 on h1"):
        assert any(
            re.match(
                rf"{who}.*, worker \d: refused a connection from .* to the link from worker [01] on h[01] at", text
            )
            for text in caplog.messages
        )


def test_results_of_any_size() -> None:
    plan = placed(Both(), {"one": 0, "other": 1})
    with watched(60):
        result = deploy_here(Both(), plan, [[0], [1]])
    for path in ("one", "other"):
        assert np.array_equal(result.state(path)["weights"], np.arange(3 << 20, dtype=np.float64))


def test_a_deployment_runs_as_real_processes_on_this_machine(tmp_path: Path) -> None:
    """Each host of the spec is a slot here; the topology is imported by its name."""
    (tmp_path / "gate").touch()
    parameters = {"gate": str(tmp_path / "gate")}
    deployment = Deployment.model_validate(
        {
            "topology": {"class": "tests.deployment.test_slots:Ring", "parameters": parameters},
            "hosts": [{"name": "one", "cores": 1}, {"name": "other", "cores": 1}],
            "run": {"timeout": 20},
        }
    )
    with watched(60):
        result = deploy(deployment)
    assert len(result.plan.workers) == 2
    assert result.fingerprint == run(Ring(**parameters), workers=1, timeout=20).fingerprint


def test_hosts_that_lose_their_power_keep_no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything of every slot is killed at once, its shells too; from the first moment on no file was made."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    deployment = Deployment.model_validate(
        {
            "topology": {"class": "tests.deployment.test_slots:Ring", "parameters": {"gate": "/nowhere"}},
            "hosts": [{"name": "one", "cores": 1}, {"name": "other", "cores": 1}],
        }
    )

    def kill() -> None:
        started = [p for p in psutil.Process().children(True) if p.pid not in before]
        assert any("--keys" in p.cmdline() for p in started)
        for process in started:
            process.kill()

    before = {process.pid for process in psutil.Process().children(True)}
    with watched(60), pytest.raises(RunError, match=r"slot \d on (one|other).*: was killed by SIGKILL"):
        deploy(deployment, on_start=kill)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_names_reaction_host_and_worker() -> None:
    topology = Pair(what="raises")
    with pytest.raises(RunError) as alone:
        run(topology, workers=1)
    with watched(60), pytest.raises(RunError) as caught:
        deploy_here(topology, placed(topology, {"faulty": 1, "following": 2}), [[0, 2], [1]])
    assert str(caught.value) == str(alone.value)
    assert type(caught.value) is type(alone.value)
    (note,) = caught.value.__notes__
    assert re.fullmatch(r"on slot 1 on h1 \(.*\), worker 1", note)


def test_a_recording_made_on_several_hosts_meets_the_failure_again_on_one(tmp_path: Path) -> None:
    topology, file = FragilePlant(), tmp_path / "failed"
    plan = placed(topology, {"noise": 1, "log_": 2})
    with watched(60), forked_slots(topology) as engine, pytest.raises(RunError, match="is too much") as live:
        deploy(job_for(plan, [[0, 2], [1]], fast=False, record=True), engine, record=file)
    with watched(60), pytest.raises(RunError) as again:
        run(topology, workers=1, replay=file)
    assert str(again.value).splitlines()[0] == str(live.value).splitlines()[0]


@pytest.mark.parametrize("number", range(2))
@pytest.mark.parametrize(("times", "first", "tag"), [((5, 5, 5), 0, 5), ((9, 3, 5), 1, 3), ((7, 7, 2), 2, 2)])
def test_the_earliest_failure_counts(
    times: tuple[int, ...], first: int, tag: int, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(JITTER, f"{number}:3000")
    topology = Several(times=times)
    plan = placed(topology, {"faulty[0]": 2, "faulty[1]": 1, "faulty[2]": 0})
    with watched(60), pytest.raises(RunError) as caught:
        deploy_here(topology, plan, [[0], [1, 2]])
    message = str(caught.value).splitlines()[0]
    assert message == f"reaction faulty[{first}].act failed at ({ms(tag)} ns, 0): ValueError: no such luck"


def test_a_worker_that_is_killed_is_named_with_its_reactors() -> None:
    topology = Pair(what="is killed")
    with watched(60), pytest.raises(RunError) as caught:
        deploy_here(topology, placed(topology, {"faulty": 1, "following": 1}), [[0], [1]])
    assert re.match(r"worker 1 \(pid \d+; faulty, following\) was killed by SIGKILL", str(caught.value))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_slot_that_is_killed_is_named(number: signal.Signals) -> None:
    topology = Pair(what="nothing")
    plan = placed(topology, {"faulty": 1, "following": 1})
    with watched(60), forked_slots(topology) as engine, pytest.raises(RunError) as caught:
        deploy(job_for(plan, [[0], [1]]), engine, observe=None, on_start=lambda: os.kill(engine.pids[1], number))
    how = "was killed by SIGKILL" if number == signal.SIGKILL else "told to stop by a signal"
    assert re.match(rf"slot 1 on h1 \(.*\): {how}", str(caught.value))


class Twice(Forked):
    """An engine that starts slot 1 once more when it is told to."""

    def start(self, job: Job, caller: str, keys: Path) -> Forked:
        words = ["--slot", "1", "--plan", job.plan_hash, "--caller", caller, "--keys", str(keys)]
        self._again = [sys.executable, "-m", "rlreactor.cli", "worker", *words]
        return super().start(job, caller, keys)

    def start_again(self) -> None:
        self._second = subprocess.Popen(self._again, stderr=subprocess.PIPE, text=True)

    def close(self) -> None:
        super().close()
        with self._second as second:
            second.kill()


def test_a_slot_that_its_engine_starts_again_ends_the_run_and_says_what_to_do(tmp_path: Path) -> None:
    topology = Pair(what="nothing")
    plan = placed(topology, {"faulty": 1, "following": 1})
    make_keys(tmp_path, 2)
    with watched(60), forked_slots(topology, Twice) as engine, pytest.raises(RunError) as caught:
        deploy(job_for(plan, [[0], [1]]), engine, keys=tmp_path, on_start=cast(Twice, engine).start_again)
    assert re.fullmatch(
        r"slot 1 on h1 \(.*\) was started again by its engine while the run went on, and nothing of what the lost "
        r"process held can be taken up again\. Run rlreactor deploy again, and let the engine start all slots again "
        r"together \(Slurm's requeue and a JobSet do\), or none",
        str(caught.value),
    )


def test_keys_of_a_run_are_gone_once_everybody_has_joined() -> None:
    """However the caller ends from then on, also by SIGKILL."""
    topology = Pair(what="nothing")
    plan = placed(topology, {"faulty": 1, "following": 1})
    left: list[set[str]] = []
    before = shared_files()

    def look() -> None:
        left.append({path for path in shared_files() - before if "keys" in path})
        os.kill(os.getpid(), signal.SIGINT)

    with watched(60), forked_slots(topology) as engine, pytest.raises(Interrupt):
        deploy(job_for(plan, [[0], [1]]), engine, on_start=look)
    assert left == [set()]


def test_an_interrupt_ends_all_slots_at_a_tag() -> None:
    topology = Pair(what="nothing")
    plan = placed(topology, {"faulty": 1, "following": 1})
    with watched(60), forked_slots(topology) as engine, pytest.raises(Interrupt) as caught:
        deploy(job_for(plan, [[0], [1]]), engine, on_start=lambda: os.kill(os.getpid(), signal.SIGINT))
    assert caught.value.signal_number == signal.SIGINT
    assert caught.value.result.interrupted


def test_nothing_is_left_of_many_runs() -> None:
    topology = Pair(what="nothing")
    plan = placed(topology, {"faulty": 1, "following": 2}, inline_limit=TINY)
    expected = run(topology, workers=1, timeout=ms(2)).fingerprint
    before = (descriptors(), shared_files(), children())
    for _ in range(5):
        assert deploy_here(topology, plan, [[0, 1], [2]], timeout=ms(2)).fingerprint == expected
    assert (descriptors(), shared_files(), children()) == before
