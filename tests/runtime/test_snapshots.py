"""Snapshots: what is interrupted and resumed ends as what was not; and what cannot be kept is refused."""

from __future__ import annotations

import logging
import os
import resource
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rlreactor import (
    TICK,
    Action,
    Array,
    Input,
    Inputs,
    Mode,
    Output,
    PhysicalAction,
    Reactor,
    Result,
    RunError,
    Struct,
    Tag,
    Timer,
    reaction,
    run,
    shutdown,
    startup,
    state,
)
from rlreactor.spec import Record

from ..placements import TINY, round_robin, run_placed
from ..watchdog import watched
from .conftest import Start

SEEN = Struct(step=Array(np.int64), values=Array(np.float64, (40,)))
STOP = 1500 * TICK


class Source(Reactor):
    """Draws at every tick, and adds what comes back."""

    every: int = TICK

    tick = Timer(0, "every")
    back = Input(Array(np.float64, (40,)), hold=True)
    out = Output(SEEN)
    steps: int = state(0)
    sums: NDArray[np.float64] = state()

    @reaction(startup)
    def begin(self) -> None:
        self.sums = np.zeros(40)
        self.alias = self.sums

    @reaction(tick, reads=[back], effects=[out])
    def draw(self) -> None:
        self.steps += 1
        if self.steps > 3:
            self.alias += self.back.value
        out = self.out.empty()
        out.step[...] = self.steps
        out.values[:] = self.rng.normal(size=40) + self.sums
        self.out.set(out)


class Sink(Reactor):
    """Answers later; keeps what it has seen last."""

    width: int

    inputs = Inputs(SEEN, width="width")
    answer = Output(Array(np.float64, (40,)))
    later = Action(float, min_delay=3 * TICK, min_spacing=2 * TICK, policy="defer")
    kept: dict[str, Any] = state(factory=dict[str, Any])
    heard: float = state(0.0)

    @reaction(inputs, effects=[answer, later])
    def take(self) -> None:
        values = [port.value for port in self.inputs if port.present]
        self.kept = {"last": values[-1], "steps": [int(value.step) for value in values]}
        mean = np.mean([value.values for value in values], axis=0) * 1e-3
        self.answer.set(mean)
        if int(values[0].step) % 5 == 0:
            self.later.schedule(float(mean[0]))

    @reaction(later)
    def hear(self) -> None:
        self.heard += self.later.value
        self.log(heard=self.heard)


class Loop(Reactor):
    """Connections of several lengths, there and back."""

    width: int = 3

    def compose(self) -> None:
        self.sources = [Source(every=(1 + index) * TICK) for index in range(self.width)]
        self.sink = Sink(width=self.width)
        for index, source in enumerate(self.sources):
            self.connect(source.out, self.sink.inputs[index], after=(1 + 4 * index) * TICK)
            self.connect(self.sink.answer, source.back, after=(2 + 3 * index) * TICK)


def cuts(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if entry.is_dir())


def assert_like(result: Result, expected: Result) -> None:
    assert result.tag == expected.tag
    assert result.fingerprint == expected.fingerprint
    for path in ("sources[0]", "sources[2]", "sink"):
        assert repr(result.state(path)) == repr(expected.state(path))


@pytest.fixture(scope="module")
def uninterrupted() -> Result:
    return run(Loop(), workers=1, timeout=STOP, seed=4)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_goes_on_from_its_snapshots_on_any_placement(workers: int, uninterrupted: Result, tmp_path: Path) -> None:
    go_on(workers, uninterrupted, tmp_path)


def test_a_run_goes_on_over_any_carrier(uninterrupted: Result, tmp_path: Path, each_carrier: None) -> None:
    go_on(3, uninterrupted, tmp_path)


def go_on(workers: int, uninterrupted: Result, tmp_path: Path) -> None:
    where = round_robin(Loop(), workers)
    with watched(60):
        kept = run_placed(Loop(), where, timeout=STOP, seed=4, snapshot=tmp_path / "kept", snapshot_every=40 * TICK)
    assert_like(kept, uninterrupted)
    assert cuts(tmp_path / "kept")
    for cut, others in zip(cuts(tmp_path / "kept"), (1, 4, 2), strict=False):
        elsewhere = round_robin(Loop(), others)
        with watched(60):
            resumed = run_placed(Loop(), elsewhere, timeout=STOP, seed=4, resume=cut, inline_limit=TINY)
        assert_like(resumed, uninterrupted)


def test_the_newest_three_are_kept_and_the_newest_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.runtime.test_snapshots.pause_s", 0.001)
    run(Slow(), workers=1, timeout=STOP, seed=4, snapshot=tmp_path, snapshot_every=20 * TICK)
    found = cuts(tmp_path)
    assert len(found) == 3
    begun: list[Tag] = []
    monkeypatch.setattr("tests.runtime.test_snapshots.pause_s", 0.0)
    resumed = run(Slow(), timeout=STOP, seed=4, resume=tmp_path, observe=lambda metric: begun.append(metric.tag))
    assert_like(resumed, run(Slow(), timeout=STOP, seed=4))
    assert not begun or begun[0].time >= int(found[-1].name)


def test_the_first_is_made_at_the_beginning_where_nothing_is_said(uninterrupted: Result, tmp_path: Path) -> None:
    kept = run(Loop(), workers=2, timeout=STOP, seed=4, snapshot=tmp_path)
    assert_like(kept, uninterrupted)
    assert int(cuts(tmp_path)[0].name) == 1
    assert_like(run(Loop(), workers=2, timeout=STOP, seed=4, resume=tmp_path), uninterrupted)


class SlowSink(Sink):
    """Gives somebody the time to kill it."""

    @reaction(Sink.later)
    def hear(self) -> None:
        self.heard += self.later.value
        self.log(heard=self.heard)
        time.sleep(pause_s)


pause_s = 0.0


class Slow(Loop):
    def compose(self) -> None:
        self.sources = [Source(every=(1 + index) * TICK) for index in range(self.width)]
        self.sink = SlowSink(width=self.width)
        for index, source in enumerate(self.sources):
            self.connect(source.out, self.sink.inputs[index], after=(1 + 4 * index) * TICK)
            self.connect(self.sink.answer, source.back, after=(2 + 3 * index) * TICK)


@pytest.mark.parametrize("workers", [1, 3])
def test_what_is_killed_goes_on(workers: int, tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "kept"

    def body(out: int) -> str:
        monkeypatch.setattr("tests.runtime.test_snapshots.pause_s", 0.01)
        run(Slow(), workers=workers, timeout=STOP, seed=4, snapshot=folder, snapshot_every=10 * TICK)
        return "it went on to its end"

    killed = start(body, group=True)
    wait_for_snapshots(folder, 2)
    for pid in (killed.pid, *killed.family()):
        os.kill(pid, signal.SIGKILL)
    expected = run(Slow(), workers=1, timeout=STOP, seed=4)
    with watched(60):
        resumed = run(Slow(), workers=2, timeout=STOP, seed=4, resume=folder, snapshot=folder)
    assert_like(resumed, expected)


def test_the_trace_of_a_resumed_run_is_whole(tmp_path: Path) -> None:
    expected = run(Loop(), workers=1, timeout=200 * TICK, trace=True)
    run(Loop(), workers=2, timeout=200 * TICK, trace=True, snapshot=tmp_path, snapshot_every=90 * TICK)
    resumed = run(Loop(), workers=3, timeout=200 * TICK, trace=True, resume=tmp_path)
    assert resumed.trace == expected.trace
    assert len(resumed.trace) > 100


class Talkative(Reactor):
    """Goes on when the first snapshot counts."""

    folder: str
    tick = Timer(0, TICK)

    @reaction(tick)
    def speak(self) -> None:
        self.log(time=self.tag.time)
        if self.tag.time == 100:
            wait_for_snapshots(Path(self.folder), 1)


class Talks(Reactor):
    folder: str

    def compose(self) -> None:
        self.first, self.second = Talkative(folder=self.folder), Talkative(folder=self.folder)


def wait_for_snapshots(folder: Path, count: int) -> None:
    with watched(30):
        while len(list(folder.glob("*/manifest.json"))) < count:
            time.sleep(0.01)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_logged_before_is_observed_before_a_snapshot_counts(workers: int, tmp_path: Path) -> None:
    observed: list[Tag] = []
    known: list[int] = []
    run(
        Talks(folder=str(tmp_path)),
        workers=workers,
        timeout=120,
        snapshot=tmp_path,
        snapshot_every=50,
        observe=lambda metric: observed.append(metric.tag),
        before_snapshot=lambda: known.append(sum(tag.time < 50 for tag in observed)),
    )
    assert known
    assert set(known) == {2 * 50}


class Heavy(Reactor):
    """Has a thing that no snapshot can hold, made of numbers that one can."""

    tick = Timer(0, TICK)
    drawn: list[float] = state(factory=list[float])

    @reaction(startup)
    def make(self) -> None:
        self.log(made=1)
        self.thing = Thing()
        self.is_kept = self.keeps_snapshots

    @reaction(tick)
    def turn(self) -> None:
        self.drawn.append(self.thing.turn())

    def to_snapshot(self) -> Mapping[str, Any]:
        return {"turns": self.thing.turns, "weights": self.thing.weights}

    def from_snapshot(self, saved: Mapping[str, Any]) -> None:
        self.thing.turns, self.thing.weights = saved["turns"], saved["weights"]


class Thing:
    def __init__(self) -> None:
        self.turns = 0
        self.weights = np.ones(3)

    def turn(self) -> float:
        self.turns += 1
        self.weights = self.weights * 1.01
        return float(self.weights.sum()) + self.turns


class Late(Reactor):
    """Enters a mode in which something heavy is made."""

    early = Mode(initial=True)
    late = Mode()
    tick = Timer(0, TICK)
    made = Output(Array(np.float64, (600,)))

    def compose(self) -> None:
        self.heavy = HeavyWithOutput()
        self.late.contain(self.heavy)
        self.connect(self.heavy.made, self.made)

    @reaction(tick, effects=[late, early])
    def turn(self) -> None:
        if self.tag.time % 20 == 10:
            self.late.enter(history=True)
        elif self.tag.time % 20 == 15:
            self.early.enter(history=True)


class HeavyWithOutput(Heavy):
    made = Output(Array(np.float64, (600,)))
    later = Action(int, min_delay=3, min_spacing=2)

    @reaction(startup, effects=[made, later])
    def say(self) -> None:
        self.made.set(np.ones(600))
        self.later.schedule(1)
        self.log(said=1)

    @reaction(later, effects=[made, later])
    def say_again(self) -> None:
        self.made.set(np.full(600, float(self.later.value)))
        self.later.schedule(self.later.value + 1)


class Watched(Reactor):
    def compose(self) -> None:
        self.modal = Late()
        self.sum = Sum()
        self.connect(self.modal.made, self.sum.numbers, after=TICK)


class Sum(Reactor):
    numbers = Input(Array(np.float64, (600,)))
    total: float = state(0.0)

    @reaction(numbers)
    def add(self) -> None:
        self.total += float(self.numbers.value.sum())


@pytest.mark.parametrize("cut", [5, 12, 17, 40])
def test_what_was_made_in_a_mode_that_was_entered_later_is_made_again(cut: int, tmp_path: Path) -> None:
    expected = run(Watched(), workers=1, timeout=90)
    run(Watched(), workers=2, timeout=90, snapshot=tmp_path, snapshot_every=cut)
    for workers in (1, 2):
        resumed = run(Watched(), workers=workers, timeout=90, resume=cuts(tmp_path)[0])
        assert resumed.fingerprint == expected.fingerprint
        for path in ("modal", "modal.heavy", "sum"):
            assert resumed.state(path) == expected.state(path)
        assert ("modal.heavy.said" in resumed.metrics) == (cut == 5)


def test_what_is_no_state_is_given_and_taken_by_the_reactor_itself(tmp_path: Path) -> None:
    expected = run(Heavy(), timeout=50)
    kept = run(Heavy(), timeout=50, snapshot=tmp_path, snapshot_every=20)
    resumed = run(Heavy(), timeout=50, resume=tmp_path)
    assert expected.state("") == kept.state("") == resumed.state("")
    assert len(resumed.state("")["drawn"]) == 51
    assert expected.metrics["made"]
    assert "made" not in resumed.metrics  # it was said by the run that was interrupted


def test_records_and_arrays_in_fields_come_back_as_they_were(tmp_path: Path) -> None:
    run(Loop(), workers=2, timeout=100, snapshot=tmp_path, snapshot_every=50)
    resumed = run(Loop(), workers=1, timeout=100, resume=tmp_path)
    kept = resumed.state("sink")["kept"]
    assert isinstance(kept["last"], Record)
    assert kept["last"] == run(Loop(), timeout=100).state("sink")["kept"]["last"]


class Unsaved(Reactor):
    tick = Timer(0, TICK)
    lock: Any = state()

    @reaction(startup)
    def make(self) -> None:
        self.lock = threading.Lock()

    @reaction(tick)
    def step(self) -> None:
        pass


class Broken(Reactor):
    tick = Timer(0, TICK)

    @reaction(tick)
    def step(self) -> None:
        pass

    def to_snapshot(self) -> Mapping[str, Any]:
        raise ValueError("nothing to give")


class Physical(Reactor):
    button = PhysicalAction(int)

    @reaction(button)
    def press(self) -> None:
        pass


@pytest.mark.parametrize(
    ("topology", "options", "said"),
    [
        (Unsaved(), {"snapshot": True}, r"Unsaved\.lock cannot be part of a snapshot: cannot pack lock: .*"
         r"to_snapshot\(\) and from_snapshot\(\)"),
        (Broken(), {"snapshot": True}, r"Broken\.to_snapshot\(\) failed: ValueError: nothing to give"),
        (Physical(), {"snapshot": True, "fast": False}, r"hears from outside \(physical action button\).*record=FILE"),
        (Heavy(), {"snapshot": True, "record": "r"}, r"record= and replay= are of whole runs"),
        (Heavy(), {"snapshot": True, "snapshot_every": 0}, r"snapshot_every: expected ns .* of 1 or more, received 0"),
        (Heavy(), {"snapshot_every": 5}, r"give snapshot=FOLDER too"),
        (Heavy(), {"resume": True}, r"no whole snapshot to resume from"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(topology: Reactor, options: dict[str, Any], said: str, tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name, value in options.items() if value is True}
    given: dict[str, Any] = {**options, **folders}
    with pytest.raises(RunError, match=said):
        run(topology, timeout=20, **given)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_snapshot_of_another_run_is_refused(workers: int, tmp_path: Path) -> None:
    run(Loop(), workers=workers, timeout=100, seed=1, snapshot=tmp_path, snapshot_every=50)
    others: list[tuple[Reactor, dict[str, Any], str]] = [
        (Heavy(), {"seed": 1}, r"it was made with topology .*Loop.*, and this run has .*Heavy"),
        (Loop(width=4), {"seed": 1}, r"it was made with parameters .*width=3.*, and this run has .*width=4"),
        (Loop(), {"seed": 2}, r"it was made with seed 1, and this run has 2"),
        (Loop(), {"seed": 1, "timeout": 3}, r"it is of time \d+ ns, and timeout=3 lies before that"),
        (Loop(), {"seed": 1, "trace": True}, r"the snapshot has no trace of .*; switch it off"),
    ]
    for topology, options, said in others:
        with pytest.raises(RunError, match=said):
            run(topology, workers=workers, resume=tmp_path, **options)
    with pytest.raises(RunError, match=r"holds snapshots of an earlier run, the newest of time \d+ ns: go on"):
        run(Loop(), workers=workers, timeout=100, seed=1, snapshot=tmp_path)


def test_a_full_disk_is_a_warning_and_the_run_goes_on(tmp_path: Path, start: Start, uninterrupted: Result) -> None:
    warnings = tmp_path / "warnings"

    def body(out: int) -> str:
        logging.getLogger("rlreactor").addHandler(logging.FileHandler(warnings))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        result = run(Loop(), workers=1, timeout=STOP, seed=4, snapshot=tmp_path / "kept")
        return result.fingerprint

    assert start(body).outcome(60) == uninterrupted.fingerprint
    assert "no snapshot was made, and the run goes on: " in warnings.read_text()
    assert "file too large" in warnings.read_text().lower()
    assert not list((tmp_path / "kept").glob("*/manifest.json"))


class Farewell(Reactor):
    """Has a few events, and says how many when the program has run dry."""

    events: int = 3
    again = Action(int)
    out = Output(int)
    seen: int = state(0)

    @reaction(startup, again, effects=[again])
    def count(self) -> None:
        if self.seen < self.events:
            self.seen += 1
            self.again.schedule(self.seen, delay=TICK)

    @reaction(shutdown, effects=[out])
    def end(self) -> None:
        self.out.set(10 + self.seen)


class Mourner(Reactor):
    word = Input(int)
    heard: int = state(0)

    @reaction(word)
    def hear(self) -> None:
        self.heard += self.word.value


class Funeral(Reactor):
    events: int = 3

    def compose(self) -> None:
        self.going = Farewell(events=self.events)
        self.staying = Mourner()
        self.connect(self.going.out, self.staying.word)


@pytest.mark.parametrize("events", [0, 1, 3])
def test_what_a_program_that_has_run_dry_says_at_last_is_heard_after_a_resumption(tmp_path: Path, events: int) -> None:
    """The stop follows the last event, and so lies before the cut of a snapshot that was made when nothing was left."""
    whole = run(Funeral(events=events), workers=2, snapshot=tmp_path, snapshot_every=TICK)
    cuts = sorted(cut for cut in tmp_path.iterdir() if cut.is_dir())
    assert len(cuts) > 0
    for cut in cuts:
        for workers in (1, 2):
            resumed = run(Funeral(events=events), workers=workers, resume=cut)
            assert (resumed.tag, resumed.fingerprint) == (whole.tag, whole.fingerprint)
            assert resumed.state("staying") == whole.state("staying") == {"heard": 10 + events}
