"""A short run tells what reactions cost, what they set and keep; a later one is compared with what was predicted."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from rlreactor import TICK, Action, Array, Input, Output, Reactor, Timer, plan, reaction, run, startup, state
from rlreactor.planner.machine import Machine
from rlreactor.planner.profile import EngineCosts, Profile
from rlreactor.runtime.calibration import calibrate
from rlreactor.runtime.comparison import affinity_warnings
from rlreactor.runtime.pace import Pace, Reading, Steady
from rlreactor.runtime.process import keep_freed_memory
from rlreactor.runtime.profiling import profile

from ..watchdog import watched

ENGINE = EngineCosts(passing=1e-5, waiting=5e-5, notice=0, message=3e-6, spinning=3e-5, sleeping=8e-5, shared=9e-5)
LARGE = 32 << 20


class Burner(Reactor):
    """Computes for `work` microseconds of processor time, keeps 32 MiB, and sends at every second tick."""

    work: int
    tick = Timer(0, TICK)
    out = Output(Array(np.float32, (8,)))

    @reaction(startup)
    def begin(self) -> None:
        self.kept = np.ones(LARGE, np.uint8)
        self.count = 0

    @reaction(tick, effects=[out])
    def burn(self) -> None:
        end = time.thread_time_ns() + self.work * 1000
        while time.thread_time_ns() < end:
            pass
        self.count += 1
        if self.count % 2 == 0:
            self.out.set(np.zeros(8, np.float32))


class Keeper(Reactor):
    into = Input(Array(np.float32, (8,)))
    word = Output(str)

    @reaction(into, effects=[word])
    def keep(self) -> None:
        self.word.set("seven!!")


class Reader(Reactor):
    word = Input(str)

    @reaction(word)
    def read(self) -> None: ...


class Works(Reactor):
    burners: int = 2
    work: int = 1000

    def compose(self) -> None:
        self.bank = [Burner(work=self.work) for _ in range(self.burners)]
        self.keepers = [Keeper() for _ in self.bank]
        self.readers = [Reader() for _ in self.bank]
        self.connect([burner.out for burner in self.bank], [keeper.into for keeper in self.keepers])
        self.connect([keeper.word for keeper in self.keepers], [reader.word for reader in self.readers])


@pytest.fixture(scope="module")
def measured() -> Profile:
    return profile(Works(), tags=100, engine=ENGINE)


def test_what_reactions_cost_and_how_often_they_set(measured: Profile) -> None:
    burn = measured.reaction("bank[0].burn")
    assert burn.seconds >= 0.9e-3
    assert burn.sets == {"bank[].out": pytest.approx(0.5, abs=0.02)}
    assert measured.reaction("keepers[1].keep").runs == pytest.approx(burn.runs / 2, abs=2)
    assert measured.reaction("keepers[1].keep").seconds < burn.seconds / 5


def test_it_is_bounded_in_tags(measured: Profile) -> None:
    assert 100 <= measured.tags <= 250  # readings are taken every 20 ms, and a tag takes 2


def test_it_is_bounded_in_seconds() -> None:
    begun = time.monotonic()
    assert profile(Works(work=10_000), tags=1 << 40, seconds=0.2, engine=ENGINE).tags < 100
    assert time.monotonic() - begun < 20


def test_memory_is_that_of_each_reactor(measured: Profile) -> None:
    bank = measured.memory["bank[]"]
    assert bank.each >= 0.9 * LARGE
    assert bank.each + bank.shared <= 1.5 * LARGE
    assert measured.memory["readers[]"].each < LARGE / 4


def test_memory_that_was_freed_before_counts_when_it_is_used_again() -> None:
    keep_freed_memory()  # as every run in this process does
    freed = [np.ones(30 << 20, np.uint8) for _ in range(4)]
    del freed
    assert profile(Works(work=10), tags=10, engine=ENGINE).memory["bank[]"].each >= 0.9 * LARGE


class Hiccup(Reactor):
    """Takes 100 ms once, and nothing at every other tick."""

    slow: bool = False
    tick = Timer(0, TICK)
    count: int = state(0)

    @reaction(tick)
    def go(self) -> None:
        self.count += 1
        if self.slow and self.count == 20:
            end = time.thread_time_ns() + 100_000_000
            while time.thread_time_ns() < end:
                pass


class Hiccups(Reactor):
    def compose(self) -> None:
        self.bank = [Hiccup(slow=i == 1) for i in range(4)]


def test_what_takes_long_once_is_not_unlike_its_bank() -> None:
    """A mean of 100 runs that one of them moved: it may as well have been kept off the processor."""
    found = profile(Hiccups(), tags=100, engine=ENGINE)
    assert [path for path in found.reactions if "[1]" in path] == []


def test_messages_without_a_fixed_size_are_weighed(measured: Profile) -> None:
    assert measured.message_bytes == {"keepers[].word": 8}  # msgpack: one byte of head, seven of text


def test_the_calling_process_is_left_as_it_is() -> None:
    descriptors = Path("/proc/self/fd")
    before = os.getpid(), len(list(descriptors.iterdir()))
    profile(Works(work=100), tags=10, engine=ENGINE)
    assert (os.getpid(), len(list(descriptors.iterdir()))) == before


class Again(Reactor):
    """Schedules itself 5 ns from now, every time."""

    again = Action(int, min_delay=2)

    @reaction(startup, again, effects=[again])
    def go(self) -> None:
        self.again.schedule(1, delay=3)


def test_how_actions_are_scheduled() -> None:
    found = profile(Again(), tags=50, engine=ENGINE)
    action = found.action("again")
    assert action is not None
    assert action.delay == 5
    assert action.rate == pytest.approx(1.0, abs=0.05)


def test_predicted_beside_measured(measured: Profile) -> None:
    made = plan(Works(), workers=2, profile=measured)
    result = run(Works(), plan=made, timeout=300)
    quantities = {row.quantity for row in result.compared()}
    assert quantities >= {"ticks/s", "busy", "resident"}
    resident = [row for row in result.compared() if row.quantity == "resident"]
    assert all(row.ratio == pytest.approx(1, abs=0.2) for row in resident)
    assert "predicted" in result.report()
    assert "ticks/s" in result.report()


def test_without_predictions_the_measured_stands_alone() -> None:
    result = run(Works(work=10), workers=2, timeout=30)
    assert {row.predicted for row in result.compared()} == {None}
    assert "unknown" in result.report()
    busy = [row.measured for row in result.compared() if row.quantity == "busy"]
    assert all(0 <= share <= 1.01 for share in busy)


def test_cores_that_were_not_given_are_told() -> None:
    made = plan(Works(), Machine.made_up(64), workers=2)
    moved = made.model_copy(
        update={"workers": tuple(w.model_copy(update={"cores": (w.index + 1000,)}) for w in made.workers)}
    )
    result = run(Works(work=10), plan=moved, timeout=10)
    given = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    warnings = affinity_warnings(result.plan, result.workers)
    assert len(warnings) == 2
    assert warnings[0].startswith("warning: worker 0 was to run on cores 1000, but the kernel gave it ")
    assert given.split(",")[0] in warnings[0].rpartition(" ")[2]
    assert warnings[0] in result.report()


def test_one_worker_alone_is_not_warned_about() -> None:
    result = run(Works(work=10), workers=1, timeout=5)
    assert affinity_warnings(result.plan, result.workers) == []


def test_the_engine_is_measured() -> None:
    costs = calibrate()
    assert all(0 <= value < 0.1 for value in costs.model_dump(exclude={"unevenness"}).values())
    assert 0 <= costs.unevenness <= 0.9
    assert costs.sleeping > 0 or costs.shared > 0


def steady(*readings: tuple[int, int, int, int]) -> Steady:
    pace = Pace(lambda: (0, 0))
    pace.readings = [Reading(*reading) for reading in readings]
    return pace.steady()


SECOND = 10**9


def test_start_and_end_are_left_aside() -> None:
    """Two seconds of starting, ten tags a second, and a last tag of five seconds."""
    typical = [(2 * SECOND + i * SECOND // 10, i * SECOND // 10, i, 0) for i in range(1, 11)]
    found = steady((0, 0, 0, 0), (SECOND, 0, 0, 0), *typical, (5 * SECOND, 3 * SECOND, 10, 0),
                   (8 * SECOND, 6 * SECOND, 11, 0))  # fmt: skip
    assert found.ticks_per_second == pytest.approx(10)
    assert found.tags == 9
    assert found.utilisation == pytest.approx(1)


def test_who_spins_or_is_kept_off_its_core_does_not_compute() -> None:
    spinning = [(i * SECOND, i * SECOND, i, i * SECOND // 4) for i in range(8)]
    assert steady(*spinning).utilisation == pytest.approx(0.75)
    sharing = [(i * SECOND, i * SECOND // 2, i, 0) for i in range(8)]
    assert steady(*sharing).utilisation == pytest.approx(0.5)


def test_a_short_run_counts_as_a_whole() -> None:
    found = steady((0, 0, 0, 0), (SECOND, SECOND, 5, 0))
    assert (found.tags, found.seconds) == (5, 1.0)
    assert steady((0, 0, 0, 0), (0, 0, 0, 0)).ticks_per_second == 0


def test_what_others_took_is_known() -> None:
    pace = Pace(lambda: (0, 0))
    pace.readings = [Reading(i * SECOND, i * SECOND // 2, i, 0, i * SECOND // 2) for i in range(8)]
    assert pace.steady().kept_off == pytest.approx(pace.steady().seconds / 2)


def test_it_looks_often_however_seldom_it_reads() -> None:
    looks = threading.Semaphore(0)
    pace = Pace(lambda: (0, 0), look=looks.release, look_s=0.001)
    pace._period_s = 3600.0
    with watched(), pace:
        for _ in range(10):
            looks.acquire()
    assert len(pace.readings) <= 3  # at the start, once when it began, at the end
