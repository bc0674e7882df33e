"""However a run ends, nothing of it is left: processes, descriptors, memory, files."""

from __future__ import annotations

import gc
import os
import signal
import threading

import pytest

from rlreactor import RunError, ms, run

from .. import placements
from ..placements import TINY, run_placed
from ..watchdog import children, watched
from .conftest import Start
from .processes import await_end, descriptors, mappings, shared_files
from .topologies import Endless, Pair, Parents

pytestmark = pytest.mark.usefixtures("each_carrier")


def endless(announce: int) -> str:
    where = {"": 1, "following": 2}  # the last one to start announces
    run_placed(Endless(announce=announce), where)
    return "ended"


def test_workers_die_with_a_supervisor_that_is_killed(start: Start) -> None:
    before = shared_files()
    process = start(endless)
    process.await_announcement()
    workers = process.family()
    assert len(workers) == 3
    os.kill(process.pid, signal.SIGKILL)
    assert await_end([process.pid, *workers]) == []
    assert shared_files() == before


@pytest.mark.parametrize("victim", [0, 1, 2])
def test_the_others_die_with_a_worker_that_is_killed(start: Start, victim: int) -> None:
    process = start(endless)
    process.await_announcement()
    workers = process.family()
    os.kill(workers[victim], signal.SIGKILL)
    assert f"worker {victim} (pid {workers[victim]}; " in process.outcome()
    assert await_end(workers) == []


def test_many_runs_leave_nothing_in_the_process() -> None:
    fine, bad = Pair(what="nothing"), Pair(what="raises")
    where = {"faulty": 1, "following": 2}
    run_placed(fine, where, timeout=ms(2))
    gc.collect()
    before = (descriptors(), mappings(), children(), shared_files(), set(os.environ))
    for number in range(20 if placements.carrier == "memory" else 10):
        if number % 10 == 4:
            with pytest.raises(RunError):
                run_placed(bad, where)
        else:
            run_placed(fine, where, timeout=ms(2), inline_limit=TINY)
    gc.collect()  # tracebacks of the failed runs hold what their frames held
    assert (descriptors(), mappings(), children(), shared_files(), set(os.environ)) == before


@pytest.mark.parametrize("how", ["ends", "raises", "is killed"])
def test_a_process_that_a_reactor_started_goes_with_its_worker(how: str) -> None:
    reading, announce = os.pipe()
    os.set_inheritable(announce, True)
    with watched():
        if how == "ends":
            run_placed(Parents(announce=announce, how=how), {"ticking": 1}, timeout=ms(1))
        else:
            with pytest.raises(RunError):
                run_placed(Parents(announce=announce, how=how), {"ticking": 1})
    os.close(announce)
    child = int(os.read(reading, 100))
    os.close(reading)
    assert await_end([child]) == []


def test_workers_are_pinned_as_planned() -> None:
    result = run_placed(Pair(what="nothing"), {"faulty": 1}, timeout=ms(2))
    allowed = os.sched_getaffinity(0)
    for planned, worker in zip(result.plan.workers, result.workers, strict=True):
        assert set(worker["cores"]) == set(planned.cores) & allowed
    pids = [worker["pid"] for worker in result.workers]
    assert len({*pids, os.getpid()}) == len(pids) + 1


def test_one_worker_is_the_process_itself_and_leaves_it_as_it_was() -> None:
    affinity, environment = os.sched_getaffinity(0), dict(os.environ)
    threads = threading.enumerate()
    result = run(Pair(what="nothing"), workers=1, timeout=ms(2))
    assert [worker["pid"] for worker in result.workers] == [os.getpid()]
    assert os.sched_getaffinity(0) == affinity
    assert dict(os.environ) == environment
    assert threading.enumerate() == threads
