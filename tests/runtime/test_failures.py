"""What goes wrong inside reactions and workers is one error that says where."""

from __future__ import annotations

import re

import pytest

from rlreactor import AbsentError, Input, Output, Reactor, RunError, SpecError, Timer, ms, reaction, run
from rlreactor.runtime.preludes import JITTER

from .. import placements
from ..placements import run_placed
from ..watchdog import watched
from .topologies import Faulty, Pair

PLACEMENTS: list[dict[str, int]] = [
    {},
    {"faulty": 1},
    {"faulty": 0, "ticking": 1, "following": 2},
    {"faulty": 2, "ticking": 0, "following": 1, "": 1},
]

pytestmark = pytest.mark.usefixtures("each_carrier")


@pytest.mark.parametrize("where", PLACEMENTS, ids=str)
@pytest.mark.parametrize(
    ("what", "kind", "text"),
    [
        ("raises", RunError, "ValueError: no such luck"),
        (
            "absent",
            AbsentError,
            "AbsentError: faulty.nothing carries nothing at (5000000 ns, 0), in reaction faulty.act",
        ),
        ("wrong value", SpecError, "expected int, received str 'x'"),
    ],
)
def test_a_reaction_that_raises(what: str, kind: type[Exception], text: str, where: dict[str, int]) -> None:
    if placements.carrier != "memory" and where is not PLACEMENTS[-1]:
        pytest.skip("placements differ over memory; carriers differ on one of them")
    with watched(), pytest.raises(RunError) as caught:
        run_placed(Pair(what=what), where)
    assert isinstance(caught.value, kind)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("reaction faulty.act failed at (5000000 ns, 0): ")
    assert text in lines[0]
    frames = [line for line in lines if line.startswith("  File")]
    assert [frame.rpartition(" ")[2] for frame in frames] == ["act", "misbehave"]
    assert all(re.search(r"tests/runtime/topologies\.py", frame) for frame in frames)


def test_the_message_is_the_same_on_any_placement() -> None:
    messages: set[str] = set()
    for where in PLACEMENTS:
        with pytest.raises(RunError) as caught:
            run_placed(Pair(what="raises"), where)
        messages.add(str(caught.value))
    assert len(messages) == 1


class Reading(Reactor):
    """Needs its input at every tag."""

    tick = Timer(0, ms(1))
    inp = Input(int)
    out = Output(int)

    @reaction(tick, reads=[inp], effects=[out])
    def read(self) -> None:
        self.out.set(self.inp.value)


class Needing(Reactor):
    def compose(self) -> None:
        self.readers = [Reading(), Reading()]
        self.faulty = Faulty(what="raises")
        self.connect(self.faulty.out, self.readers[0].inp)
        self.connect(self.readers[0].out, self.readers[1].inp)


@pytest.mark.parametrize("number", range(4))
def test_a_failure_makes_no_further_failures(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for the worker that failed does not go on as if it had nothing to say."""
    monkeypatch.setenv(JITTER, f"{number}:2000")
    for where in ({"faulty": 1}, {"readers[0]": 1}, {"faulty": 2, "readers[1]": 1}, {"readers[0]": 2, "faulty": 1}):
        with watched(), pytest.raises(RunError, match=r"reaction faulty\.act failed at \(5000000 ns, 0\): ValueError"):
            run_placed(Needing(), where)


class Several(Reactor):
    """Every one fails at its own time."""

    times: tuple[int, ...]

    def compose(self) -> None:
        self.faulty = [Faulty(what="raises", when=ms(when)) for when in self.times]


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize(
    ("times", "first", "tag"), [((5, 5, 5), 0, 5), ((9, 3, 5), 1, 3), ((7, 7, 2), 2, 2), ((0, 0, 0), 0, 0)]
)
def test_the_earliest_failure_counts(
    times: tuple[int, ...], first: int, tag: int, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(JITTER, f"{number}:3000")
    for where in ({}, {"faulty[0]": 2, "faulty[1]": 1, "faulty[2]": 0}, {"faulty[0]": 1}):
        with watched(), pytest.raises(RunError) as caught:
            run_placed(Several(times=times), where)
        message = str(caught.value).splitlines()[0]
        assert message == f"reaction faulty[{first}].act failed at ({ms(tag)} ns, 0): ValueError: no such luck"


def test_a_worker_that_is_killed_is_named_with_its_reactors() -> None:
    with watched(), pytest.raises(RunError) as caught:
        run_placed(Pair(what="is killed"), {"faulty": 1, "following": 1})
    assert re.fullmatch(
        r"worker 1 \(pid \d+; faulty, following\) was killed by SIGKILL; "
        r"the kernel does this when memory runs out \(see dmesg\)",
        str(caught.value),
    )


def test_a_worker_that_exits_is_named_with_its_reactors() -> None:
    with watched(), pytest.raises(RunError) as caught:
        run_placed(Pair(what="exits"), {"faulty": 1})
    assert re.match(r"worker 1 \(pid \d+; faulty\) ended with status 3 without a word", str(caught.value))


def test_a_system_exit_in_a_reaction_is_an_error() -> None:
    with watched(), pytest.raises(RunError, match=r"SystemExit|status"):
        run_placed(Pair(what="system exit"), {"faulty": 1})


def test_the_next_run_is_not_disturbed() -> None:
    for what in ("raises", "is killed", "exits"):
        with watched(), pytest.raises(RunError):
            run_placed(Pair(what=what), {"faulty": 1})
        fine = Pair(what="nothing")
        expected = run(fine, workers=1, timeout=ms(20))
        assert run_placed(fine, {"faulty": 1}, timeout=ms(20)).fingerprint == expected.fingerprint


class Seldom(Reactor):
    once = Timer(0)
    out = Output(int)

    @reaction(once, effects=[out])
    def send(self) -> None:
        self.out.set(1)


class Begins(Reactor):
    tick = Timer(0, 1)
    out = Output(int)

    @reaction(tick, effects=[out])
    def begin(self) -> None:
        self.out.set(1)


class Passes(Reactor):
    inp = Input(int)
    out = Output(int)

    @reaction(inp, effects=[out])
    def hand_on(self) -> None:
        self.out.set(1)


class FailsLater(Reactor):
    inp = Input(int)

    @reaction(inp)
    def fail(self) -> None:
        if self.tag.time == 2:
            raise ValueError("later")


class FailsFirst(Reactor):
    tick = Timer(0, 1)
    inp = Input(int)

    @reaction(tick, reads=[inp])
    def fail(self) -> None:
        if self.tag.time == 2:
            raise ValueError("first")


class TwoFailures(Reactor):
    def compose(self) -> None:
        self.seldom, self.begins, self.passes = Seldom(), Begins(), Passes()
        self.first, self.later = FailsFirst(), FailsLater()
        self.connect(self.seldom.out, self.first.inp)
        self.connect(self.begins.out, self.passes.inp)
        self.connect(self.passes.out, self.later.inp)


@pytest.mark.parametrize("where", [{}, {"first": 1}, {"first": 0, "seldom": 1, "begins": 1, "passes": 1, "later": 1}])
def test_of_two_failures_at_one_tag_the_first_is_told(where: dict[str, int]) -> None:
    """The later one fails on a worker that has nothing to send at this tag, and has to say so before."""
    with watched(), pytest.raises(RunError, match=r"reaction first\.fail failed at \(2 ns, 0\): ValueError: first"):
        run_placed(TwoFailures(), where, timeout=5)
