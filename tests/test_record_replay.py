"""Recordings: a run with events from outside again, to the bit, on any placement."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from rlreactor import (
    TICK,
    Action,
    Input,
    Mode,
    Output,
    PhysicalAction,
    Reactor,
    Result,
    RunError,
    Tag,
    Timer,
    ms,
    reaction,
    run,
    sec,
    shutdown,
    startup,
    state,
)
from rlreactor.store.recording import PhysicalEvent, Recording, first_difference

from .placements import Where, round_robin, run_placed, shuffled
from .watchdog import watched


class Sensor(Reactor):
    """A thread measures `count` times; with `ends` it then says that this was all."""

    count: int = 12
    ends: bool = True
    reading = PhysicalAction(int)
    over: PhysicalAction[None] = PhysicalAction(min_delay=ms(5))
    out = Output(int)

    @reaction(startup)
    def begin(self) -> None:
        threading.Thread(target=self.measure).start()

    def measure(self) -> None:
        for number in range(self.count):
            self.reading.schedule(number)
        if self.ends:
            self.over.schedule()

    @reaction(reading, effects=[out])
    def publish(self) -> None:
        self.out.set(self.reading.value)

    @reaction(over, effects=[shutdown])
    def stop(self) -> None:
        self.request_stop()


class Noise(Reactor):
    """Adds chance to what it gets, one microstep later."""

    inp = Input(int)
    out = Output(float)
    later = Action(int)
    total: float = state(0.0)

    @reaction(inp, effects=[later])
    def take(self) -> None:
        self.later.schedule(self.inp.value)

    @reaction(later, effects=[out])
    def give(self) -> None:
        self.total += self.later.value + float(self.rng.random())
        self.out.set(self.total)


class Log(Reactor):
    """Stops the program when it has everything, however long that was on its way."""

    inp = Input(float)
    tick = Timer(0, ms(1))
    out = Output(int)
    seen: list[tuple[int, int, float]] = state(factory=list[tuple[int, int, float]])

    @reaction(inp, tick, effects=[out, shutdown])
    def note(self) -> None:
        if self.inp.present:
            self.seen.append((self.tag.time, self.tag.microstep, self.inp.value))
        self.out.set(len(self.seen))
        if len(self.seen) == 12:
            self.request_stop()


class Plant(Reactor):
    gain: int = 1

    def compose(self) -> None:
        self.sensor = Sensor(ends=False)
        self.noise = Noise()
        self.log_ = Log()
        self.connect(self.sensor.out, self.noise.inp, physical=True)
        self.connect(self.noise.out, self.log_.inp, after=TICK)


PATHS = ("sensor", "noise", "log_")


def placements() -> list[tuple[int, Where]]:
    topology = Plant()
    alone: list[tuple[int, Where]] = [(1, {})]
    return alone + [
        (workers, where)
        for workers in (2, 3)
        for where in (round_robin(topology, workers), shuffled(topology, workers, 1), shuffled(topology, workers, 2))
    ]


def same(one: Result, other: Result) -> None:
    assert one.trace == other.trace
    assert one.fingerprint == other.fingerprint
    assert one.tag == other.tag
    assert [one.state(path) for path in PATHS] == [other.state(path) for path in PATHS]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_beginning_of_a_recording_can_be_repeated_alone(workers: int, tmp_path: Path) -> None:
    live = run(Plant(), fast=False, record=tmp_path / "it", trace=True)
    half = live.tag.time // 2
    again = run(Plant(), workers=workers, replay=tmp_path / "it", timeout=half, trace=True)
    assert again.tag == Tag(half, 0)
    assert [e for e in again.trace if e.tag.time < half] == [e for e in live.trace if e.tag.time < half]
    changed = Recording.load(tmp_path / "it")._replace(history={})
    changed.save(tmp_path / "other")
    with pytest.raises(RunError, match="set now, but not recorded; the program has changed"):
        run(Plant(), replay=tmp_path / "other", timeout=half)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_recording_gives_the_same_run_on_every_placement(workers: int, tmp_path: Path) -> None:
    topology, file = Plant(), tmp_path / "run.recording"
    with watched(60):
        live = run_placed(topology, round_robin(topology, workers), fast=False, record=file, seed=3)
        assert [event.value for event in live.trace if event.path == "sensor.out"] == list(range(12))
        for _, where in placements():
            same(run_placed(topology, where, replay=file, seed=3), live)


def test_a_replay_can_be_recorded_and_replayed(tmp_path: Path) -> None:
    topology, file, copy = Plant(), tmp_path / "one", tmp_path / "two"
    with watched():
        run_placed(topology, {}, fast=False, record=file)
        run_placed(topology, round_robin(topology, 2), replay=file, record=copy)
    assert Recording.load(copy) == Recording.load(file)


def test_a_replay_does_not_wait_for_the_clock(tmp_path: Path) -> None:
    """The same events an hour of logical time later: everything comes then, and nobody waits for it."""
    file, hour = tmp_path / "run.recording", 3600 * sec(1)
    with watched():
        live = run(Sensor(), fast=False, record=file, trace=True)
    recording = Recording.load(file)
    recording._replace(
        events=tuple(event._replace(tag=Tag(event.tag.time + hour, 0)) for event in recording.events),
        stop=Tag(recording.stop.time + hour, recording.stop.microstep),
        history={"out": [(Tag(tag.time + hour, 0), value) for tag, value in recording.history["out"]]},
    ).save(file)
    with watched():
        late = run(Sensor(), replay=file, trace=True)
    assert [(event.tag.time - hour, event.value) for event in late.trace] == [(e.tag.time, e.value) for e in live.trace]


def test_what_threads_schedule_during_a_replay_is_ignored(tmp_path: Path) -> None:
    file = tmp_path / "run.recording"
    with watched():
        live = run(Sensor(), fast=False, record=file, trace=True)
        again = run(Sensor(), replay=file, trace=True)
    assert again.trace == live.trace
    assert len([path for path, *_ in Recording.load(file).events if path == "reading"]) == 12


# Another program


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    file = tmp_path / "plant.recording"
    with watched():
        run(Plant(), workers=1, fast=False, record=file, seed=1)
    return file


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_changed_program_says_where_it_diverges(
    workers: int, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give(self: Noise) -> None:
        self.total += self.later.value + float(self.rng.random()) + (self.later.value > 4)
        self.out.set(self.total)

    recording = Recording.load(recorded)
    tag = recording.history["noise.out"][5][0]
    monkeypatch.setattr(Noise, "give", declared_like(Noise.give, give))
    topology = Plant()
    with watched(), pytest.raises(RunError) as caught:
        run_placed(topology, round_robin(topology, workers), replay=recorded, seed=1)
    assert str(caught.value) == (
        f"the replay differs from the recording, first at noise.out at {tag}: set to another value than recorded; "
        "the program has changed"
    )


def declared_like(old: Any, new: Any) -> Any:
    new.__reaction__ = old.__reaction__
    return new


A, B, C = Tag(1, 0), Tag(2, 0), Tag(2, 1)


@pytest.mark.parametrize(
    ("recorded_", "replayed", "said"),
    [
        ({"x": [(A, 1)]}, {"x": [(A, 1)]}, None),
        ({"x": [(A, 1)]}, {"x": [(A, 2)]}, f"x at {A}: set to another value than recorded"),
        ({"x": [(A, 1), (B, 1)]}, {"x": [(A, 1), (C, 1)]}, f"x at {B}: recorded at {B}, set now at {C}"),
        ({"x": [(A, 1), (B, 1)]}, {"x": [(A, 1)]}, f"x at {B}: recorded, but not set now"),
        ({"x": [(A, 1)]}, {"x": [(A, 1), (C, 1)]}, f"x at {C}: set now, but not recorded"),
        ({"x": [(B, 1)], "y": [(A, 1)]}, {"x": [(B, 2)]}, f"y at {A}: recorded, but not set now"),
        ({}, {"x": [(B, 2)], "y": [(A, 1)]}, f"y at {A}: set now, but not recorded"),
    ],
)
def test_the_first_difference_in_tag_order_is_told(recorded_: Any, replayed: Any, said: str | None) -> None:
    assert first_difference(recorded_, replayed) == said


class Other(Plant):
    pass


@pytest.mark.parametrize(
    ("topology", "seed", "said"),
    [
        (Plant(gain=2), 1, "it was recorded with parameters 'Plant(gain=1)', and this run has 'Plant(gain=2)'"),
        (Plant(), 2, "it was recorded with seed 1, and this run has 2"),
        (Other(), 1, f"recorded with topology '{Plant.__module__}:Plant', and this run has '{Plant.__module__}:Other'"),
    ],
)
def test_another_run_is_refused_with_both_values(topology: Reactor, seed: int, said: str, recorded: Path) -> None:
    with pytest.raises(RunError) as caught:
        run(topology, replay=recorded, seed=seed)
    assert f"cannot replay {recorded}: " in str(caught.value)
    assert said in str(caught.value)


# Files


def test_a_recording_is_read_as_it_was_written(tmp_path: Path) -> None:
    event = PhysicalEvent("a.b", Tag(3, 1), b"\0\xff")
    recording = Recording("m:T", "T()", 5, Tag(9, 0), (event,), {"x": [(Tag(1, 2), 2**62)]}, (("a.r", Tag(2, 0)),))
    recording.save(tmp_path / "r")
    assert Recording.load(tmp_path / "r") == recording
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_a_missing_file_and_one_of_something_else_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"cannot read the recording .*nothing: No such file"):
        run(Plant(), replay=tmp_path / "nothing")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(RunError, match="is not a recording of this version; make one with run"):
        run(Plant(), replay=tmp_path / "text")


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_is_damaged(share: float, recorded: Path) -> None:
    data = recorded.read_bytes()
    recorded.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(RunError, match=r"the recording .* is damaged: "):
        run(Plant(), replay=recorded, seed=1)


def test_a_recording_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with watched(), pytest.raises(RunError, match=r"cannot write the recording .*: No such file or directory"):
        run(Sensor(count=1), fast=False, record=tmp_path / "no" / "folder" / "r")


# What else depends on the clock


class Patient(Reactor):
    """Its one event comes from outside; the run goes on until its timeout."""

    event = PhysicalAction(int)
    said = Output(str)

    @reaction(startup, effects=[event])
    def begin(self) -> None:
        self.event.schedule(1)

    @reaction(event, effects=[said])
    def take(self) -> None:
        self.said.set("event")

    @reaction(shutdown, effects=[said])
    def end(self) -> None:
        self.said.set("end")


class Patients(Reactor):
    def compose(self) -> None:
        self.one, self.other = Patient(), Patient()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_waited_for_its_timeout_does_so_again(workers: int, tmp_path: Path) -> None:
    run(Patients(), workers=1, fast=False, timeout=ms(30), record=tmp_path / "it")
    for timeout in (None, ms(30)):
        again = run(Patients(), workers=workers, replay=tmp_path / "it", timeout=timeout, trace=True)
        assert again.tag == (ms(30), 0)
        ended = [(event.tag, event.path) for event in again.trace if event.value == "end"]
        assert ended == [((ms(30), 0), "one.said"), ((ms(30), 0), "other.said")]


slow = True
"""Whether the machine is slow; a module's variable, because a replay may happen on another machine."""


class Deadlines(Reactor):
    """Every other event is handled late, as long as the machine is slow."""

    event = PhysicalAction(int)
    always = Output(str)
    said = Output(str)
    count: int = state(0)

    @reaction(startup, effects=[event])
    def begin(self) -> None:
        self.event.schedule(0)

    @reaction(event)
    def work(self) -> None:
        while slow and self.event.value % 2 and self.lag <= ms(200):
            pass

    @reaction(event, effects=[said, event, shutdown], deadline=ms(200), late="missed")
    def act(self) -> None:
        self.said.set("on time")
        self.go_on()

    def missed(self) -> None:
        self.said.set("late")
        self.go_on()

    def go_on(self) -> None:
        if self.event.value == 3:
            self.request_stop()
        else:
            self.event.schedule(self.event.value + 1)

    @reaction(event, effects=[always], deadline=0, late="never")
    def hopeless(self) -> None:
        raise AssertionError

    def never(self) -> None:
        self.always.set("late")


class DeadlinesApart(Reactor):
    def compose(self) -> None:
        self.one, self.other = Deadlines(), Patient()


@pytest.mark.parametrize("workers", [1, 2])
def test_deadlines_that_were_missed_are_missed_again(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = run(DeadlinesApart(), workers=1, fast=False, record=tmp_path / "it", trace=True)
    monkeypatch.setitem(globals(), "slow", False)
    again = run(DeadlinesApart(), workers=workers, replay=tmp_path / "it", trace=True)
    said = [event.value for event in again.trace if event.path == "one.said"]
    assert said == ["on time", "late", "on time", "late"]
    assert [event.value for event in again.trace if event.path == "one.always"] == ["late"] * 4
    assert again.trace == live.trace
    assert again.fingerprint == live.fingerprint


class Standing(Reactor):
    """A physical action in a mode: its event is pending when the mode is left and when it comes back."""

    at_home = Mode(initial=True)
    away = Mode()
    event = PhysicalAction(int, min_delay=ms(20), mode=at_home)
    clock = Timer(ms(5), ms(5))
    said = Output(int)
    history: bool

    @reaction(startup, effects=[event])
    def begin(self) -> None:
        self.event.schedule(1)

    @reaction(clock, effects=[at_home, away, event])
    def switch(self) -> None:
        match self.tag.time // ms(5):
            case 2:
                self.away.enter()
            case 3:
                self.event.schedule(2)
            case 4:
                self.at_home.enter(history=self.history)
                self.event.schedule(3)
            case 5:
                self.event.schedule(4)
            case _:
                pass

    @reaction(event, effects=[said], mode=at_home)
    def take(self) -> None:
        self.said.set(self.event.value)


@pytest.mark.parametrize(("history", "seen"), [(True, [1, 2, 3, 4]), (False, [4])])
def test_modes_delay_no_recorded_event_again(history: bool, seen: list[int], tmp_path: Path) -> None:
    live = run(Standing(history=history), fast=False, timeout=ms(80), record=tmp_path / "it", trace=True)
    assert sorted(event.value for event in live.trace) == seen
    again = run(Standing(history=history), replay=tmp_path / "it", timeout=ms(80), trace=True)
    assert again.trace == live.trace
