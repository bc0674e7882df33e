"""Whatever takes messages from worker to worker, a program does the same: memory, sockets, or some of each."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rlreactor import (
    TICK,
    Array,
    Input,
    LinkError,
    Output,
    Reactor,
    Timer,
    check,
    ms,
    ns,
    plan,
    reaction,
    run,
    startup,
    state,
)
from rlreactor.errors import PlanError
from rlreactor.planner.links import LinkPlan, links_between
from rlreactor.planner.plan import Plan
from rlreactor.runtime import intake, meeting
from rlreactor.runtime.preludes import JITTER

from .. import placements, test_semantics_programs
from ..placements import CARRIERS, TINY, placed, round_robin, together
from ..programs import random_program
from ..test_random_programs import SIZES, difference, outcome, placement
from ..watchdog import watched
from .processes import descriptors, shared_files
from .topologies import Pair

SOCKETS = CARRIERS[1:]
PROGRAMS: dict[str, Callable[..., None]] = {
    name: program for name, program in vars(test_semantics_programs).items() if name.startswith("test_")
}
COUNT = int(os.environ.get("RLREACTOR_CARRIER_PROGRAMS", "20"))
BATCH = 10


@pytest.fixture(params=CARRIERS)
def carrier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Between all workers of the plans that `placements` makes."""
    monkeypatch.setattr(placements, "carrier", request.param)
    return str(request.param)


@pytest.mark.parametrize("carrier", SOCKETS, indirect=True)
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_programs_of_the_semantics(name: str, carrier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    offered: dict[str, Any] = {"monkeypatch": monkeypatch, "where": {"plant": 0, "controller": 1}}
    program = PROGRAMS[name]
    program(**{parameter: offered[parameter] for parameter in inspect.signature(program).parameters})


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", [*SOCKETS, "mixed"])
@pytest.mark.parametrize("first", range(0, COUNT, BATCH))
def test_random_programs(first: int, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(first, first + BATCH):
        chance = Random(f"{seed} over {kind}")
        program = random_program(seed, chance.choice(SIZES))
        topology = program.topology()
        expected = outcome(topology, {}, timeout=program.timeout)
        groups = together(check(topology))
        where, options = placement(chance, groups)
        with monkeypatch.context() as patch:
            patch.setattr(meeting, "ring_capacity", chance.choice([256, 4096, 128 << 10]))
            patch.setattr(intake, "BACKLOG", chance.choice([2, 20, 4096]))
            if kind == "mixed":
                patch.setattr(placements, "links_between", partial(mixed_links, chance))
            else:
                patch.setattr(placements, "carrier", kind)
            if seed % 3 == 0:
                patch.setenv(JITTER, f"{seed}:300")
            with watched():
                result = outcome(topology, where, timeout=program.timeout, **options)
        found = difference(groups, expected, result)
        assert not found, f"random_program({seed}) over {kind} on {where} with {options}: {found}\n{program.source}"


def mixed_links(chance: Random, workers: int, _: str) -> tuple[LinkPlan, ...]:
    """Anything between any two workers."""
    return tuple(
        LinkPlan(workers=link.workers, carrier=chance.choice(["memory", "ipc", "tcp"]))
        for link in links_between(workers, "ipc")
    )


LARGE = Array(np.float64, (4, 1 << 20))  # 32 MB


class Source(Reactor):
    """Sends large values of both kinds, some of them in place."""

    count: int = 4
    tick = Timer(0, 1)
    array = Output(LARGE)
    text = Output(str)

    @reaction(tick, effects=[array, text])
    def send(self) -> None:
        if self.tag.time < self.count:
            out = self.array.empty()
            out[:] = self.tag.time
            self.array.set(out)
            self.text.set(str(self.tag.time) * (3 << 20))


class Sink(Reactor):
    """Keeps what came, and notes how it lay in memory."""

    array = Input(LARGE)
    text = Input(str)
    kept: list[NDArray[np.float64]] = state(factory=list[NDArray[np.float64]])
    sums: list[float] = state(factory=list[float])
    texts: list[tuple[str, int]] = state(factory=list[tuple[str, int]])
    aligned: bool = state(True)
    writable: bool = state(False)

    @reaction(array, text)
    def take(self) -> None:
        value = self.array.value
        self.kept.append(value[:1, :2])
        self.sums.append(float(value.sum()))
        self.texts.append((self.text.value[0], len(self.text.value)))
        self.aligned = self.aligned and value.__array_interface__["data"][0] % 64 == 0
        self.writable = self.writable or value.flags.writeable


class Large(Reactor):
    """One source, two sinks, and some time between."""

    after: int = 2

    def compose(self) -> None:
        self.source = Source()
        self.near, self.far = Sink(), Sink()
        self.connect(self.source.array, [self.near.array, self.far.array], after=self.after)
        self.connect(self.source.text, [self.near.text, self.far.text], after=self.after)


@pytest.mark.parametrize("slots", [1, 3])
def test_values_of_any_size(carrier: str, slots: int) -> None:
    where = {"source": 0, "near": 1, "far": 2}
    topology = Large()
    with watched(60):
        result = run(topology, plan=placed(topology, where, slots=slots), timeout=10)
    for path in ("near", "far"):
        seen = result.state(path)
        assert seen["sums"] == [n * 4.0 * (1 << 20) for n in range(4)]
        assert [kept.tolist() for kept in seen["kept"]] == [[[n, n]] for n in range(4)]
        assert seen["texts"] == [(str(n), 3 << 20) for n in range(4)]
        assert seen["aligned"]
        assert not seen["writable"]


class Frames(Reactor):
    """Sends the time, at length."""

    tick = Timer(0, TICK)
    frame = Output(Array(np.int64, (20_000,)))

    @reaction(tick, effects=[frame])
    def send(self) -> None:
        out = self.frame.empty()
        out[:] = self.tag.time
        self.frame.set(out)


class Album(Reactor):
    """Keeps every frame, sees one again later, and changes a copy."""

    frame = Input(Array(np.int64, (20_000,)))
    held = Input(Array(np.int64, (20_000,)), hold=True)
    own = Input(Array(np.int64, (20_000,)), mutable=True)
    between = Timer(0, 3 * TICK)
    kept: list[NDArray[np.int64]] = state(factory=list[NDArray[np.int64]])
    seen: list[int] = state(factory=list[int])
    odd: int = state(0)
    lent: int = state(0)

    @reaction(frame)
    def take(self) -> None:
        value = self.frame.value
        self.kept.append(value[::1000])
        self.odd += value.ctypes.data % 64 != 0 or value.flags.writeable
        self.lent += isinstance(getattr(value.base, "base", None), memoryview)

    @reaction(between, reads=[held])
    def look(self) -> None:
        if self.held.present:
            self.seen.append(int(self.held.value.sum()) // 20_000)

    @reaction(own)
    def change(self) -> None:
        self.own.value[:] += 1
        self.seen.append(int(self.own.value[-1]))


class Gallery(Reactor):
    def compose(self) -> None:
        self.source = Frames()
        self.album = Album()
        self.connect(self.source.frame, [self.album.frame, self.album.held, self.album.own])


def test_what_stays_in_the_frame_that_brought_it_is_like_any_value(carrier: str) -> None:
    expected = run(Gallery(), timeout=100, workers=1)
    with watched(60):
        result = run(Gallery(), plan=placed(Gallery(), {"album": 1}), timeout=100)
    assert result.fingerprint == expected.fingerprint
    album = result.state("album")
    assert album["seen"] == expected.state("album")["seen"]
    assert [kept.tolist() for kept in album["kept"]] == [[time] * 20 for time in range(101)]
    assert album["odd"] == 0
    assert (album["lent"] > 50) == (carrier != "memory")


def test_what_is_read_lags_behind_without_filling_memory(carrier: str) -> None:
    """A value needs the writer's slot and one at each reader, however far the writer could run ahead."""
    topology = Large(after=3)
    with watched(60):
        result = run(topology, plan=placed(topology, {"near": 1, "far": 2}, slots=1), timeout=10)
    assert len(result.state("far")["sums"]) == 4


def test_nothing_is_left_of_many_runs(carrier: str) -> None:
    topology = Pair(what="nothing")
    made = placed(topology, {"faulty": 1, "following": 2}, inline_limit=TINY)
    expected = run(topology, workers=1, timeout=ms(2)).fingerprint
    before = (descriptors(), shared_files())
    for _ in range(15):
        assert run(topology, plan=made, timeout=ms(2)).fingerprint == expected
    assert (descriptors(), shared_files()) == before


def test_the_folder_for_sockets_is_gone_while_the_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    topology = Looking(folder=str(tmp_path))
    links = links_between(2, "ipc")
    made = placed(topology, {"there": 1}).model_copy(update={"links": links})
    result = run(topology, plan=made, timeout=ms(5))
    assert result.state("here")["seen"] == []


def test_a_folder_that_is_too_deep_is_an_error_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    topology = Pair(what="nothing")
    made = placed(topology, {"faulty": 1}).model_copy(update={"links": links_between(2, "ipc")})
    with pytest.raises(LinkError, match="107 are possible"):
        run(topology, plan=made)
    assert list(deep.iterdir()) == []


class Looker(Reactor):
    """Looks into a folder when an answer has come."""

    folder: str
    question = Output(int)
    answer = Input(int)
    seen: list[str] = state(factory=list[str])

    @reaction(startup, effects=[question])
    def ask(self) -> None:
        self.question.set(1)

    @reaction(answer)
    def look(self) -> None:
        self.seen = sorted(path.name for path in Path(self.folder).iterdir())


class Answering(Reactor):
    """Answers."""

    question = Input(int)
    answer = Output(int)

    @reaction(question, effects=[answer])
    def reply(self) -> None:
        self.answer.set(self.question.value)


class Looking(Reactor):
    """Both."""

    folder: str

    def compose(self) -> None:
        self.here, self.there = Looker(folder=self.folder), Answering()
        self.connect(self.here.question, self.there.question)
        self.connect(self.there.answer, self.here.answer, after=ns(1))


def test_plan_says_what_carries_messages() -> None:
    made = plan(Pair(what="nothing"), workers=2, carrier="tcp")
    assert made.links == (LinkPlan(workers=(0, 1), carrier="tcp"),)
    assert Plan.from_yaml(made.to_yaml()) == made
    assert plan(Pair(what="nothing"), workers=2).links == ()


def test_an_unknown_carrier_is_refused() -> None:
    carrier: Any = "pigeon"
    with pytest.raises(PlanError, match="carrier: expected one of memory, ipc, tcp, received 'pigeon'"):
        plan(Pair(what="nothing"), workers=2, carrier=carrier)


@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        ([(0, 2)], r"links\[0\]\.workers: expected two different workers below 2, received \(0, 2\)"),
        ([(1, 1)], r"links\[0\]\.workers: expected two different workers below 2, received \(1, 1\)"),
        ([(0, 1), (1, 0)], r"links\[1\]\.workers: \(1, 0\) were named before"),
    ],
)
def test_links_between_nobody_are_refused(pairs: list[tuple[int, int]], text: str) -> None:
    made = placed(Pair(what="nothing"), {"faulty": 1}).model_dump()
    made["links"] = [{"workers": pair, "carrier": "ipc"} for pair in pairs]
    with pytest.raises(ValueError, match=text):
        Plan.model_validate(made)


def test_workers_that_are_not_named_share_memory() -> None:
    topology = Large()
    made = placed(topology, round_robin(topology, 4), slots=2)
    some = made.model_copy(update={"links": (LinkPlan(workers=(1, 3), carrier="ipc"),)})
    assert len(check(topology).reactors) == 4
    with watched(60):
        assert run(topology, plan=some, timeout=10).fingerprint == run(topology, plan=made, timeout=10).fingerprint
