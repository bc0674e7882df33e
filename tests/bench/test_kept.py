"""Programs that stay and run a slice whenever they are asked: what they answer, and that they leave the cores alone."""

from __future__ import annotations

import math
import signal
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import psutil
import pytest

from bench import measure
from bench.comparison import here, slices
from bench.interruption import DEADLINE, Interruption
from bench.kept import Program
from bench.measure import Contestant, Figures, Missing, interleave, one_after_another
from bench.setup import python_of

SERVES = """
import sys
from bench.contestants.slices import serve
runs = iter(range(100))
def fails(): raise RuntimeError("a long story" + chr(10) + "the reason")
def prints(): print("noise"); return {"us": 1.0}
def ends(): sys.exit("no more")
serve({"counts": lambda: {"run": next(runs)}, "fails": fails, "prints": prints, "ends": ends})
"""
SPINS = """
import os
from bench.contestants.slices import serve
if os.fork() == 0:
    while True: pass
serve({})
"""
OURS: tuple[tuple[str, *tuple[object, ...]], ...] = (
    ("bare_steps", "--env", "CartPole-v1", "--seconds", 0.01),
    ("hand_written_steps", "--env", "CartPole-v1", "--rounds", 20),
    ("hand_written_fragments", "--environments", 1, "--horizon", 8, "--fragments", 2),
    ("gymnasium_steps", "--kind", "async", "--env", "CartPole-v1", "--environments", 2, "--rounds", 20),
    ("library_steps", "--env", "ALE/Pong-v5", "--environments", 4, "--threads", 2, "--rounds", 10),
    ("rlreactor_steps", "--env", "CartPole-v1", "--crews", 2, "--workers", 2, "--rounds", 20),
)
"""Whoever has processes or threads that wait for each other by spinning, or could."""
BUSY = 0.1  # cores
LOOK_S = 0.5


def serving(text: str = SERVES) -> Program:
    return Program(lambda: [sys.executable, "-c", text])


@contextmanager
def there(*programs: Program) -> Generator[None]:
    for program in programs:
        program.start()
    try:
        for program in programs:
            program.ready()
        yield
    finally:
        for program in programs:
            program.end()


def test_it_stays_between_slices() -> None:
    program = serving()
    with there(program):
        assert [program.slice("counts") for _ in range(3)] == [{"run": 0}, {"run": 1}, {"run": 2}]
    assert program.pid is None


def test_what_a_library_prints_is_no_answer() -> None:
    program = serving()
    with there(program):
        assert program.slice("prints") == program.slice("prints") == {"us": 1.0}


def test_a_form_that_fails_says_why_and_the_others_go_on() -> None:
    program = serving()
    with there(program):
        with pytest.raises(Missing, match=r"^RuntimeError: the reason$"):
            program.slice("fails")
        assert program.slice("counts") == {"run": 0}


def test_who_has_ended_is_missing_with_its_last_words_from_then_on() -> None:
    program = serving()
    with there(program):
        for form in ("ends", "counts"):
            with pytest.raises(Missing, match=r"^it ended with status 1: no more$"):
                program.slice(form)


def test_who_does_not_get_ready_is_missing() -> None:
    program = serving("raise SystemExit('no mpe2')")
    rounds = interleave(slices(program, ["a", "b"]), 2)
    assert rounds.missing == dict.fromkeys("ab", "it ended with status 1: no mpe2")


def test_who_takes_too_long_is_ended_and_missing() -> None:
    slow = serving("import sys; sys.stdin.read()")
    slow.start()
    slow.ready(0.1)
    assert slow.pid is None
    with pytest.raises(Missing, match=r"^it had not made its preparations after 0 s$"):
        slow.slice("counts")


class Noting:
    """Notes how long it may take to get ready."""

    seconds = 0.0

    def start(self) -> None: ...

    def ready(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def let_go(self) -> None: ...

    def end(self, seconds: float = 0.0) -> None: ...


def test_preparations_take_a_part_of_the_remaining_time_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    noting = Noting()
    contestant = Contestant("a", lambda: {"us": 1.0}, noting)
    monkeypatch.delenv(DEADLINE, raising=False)
    interleave([contestant], 1)
    assert noting.seconds == math.inf
    monkeypatch.setenv(DEADLINE, str(time.monotonic() + 1000.0))
    interleave([contestant], 1)
    assert 500.0 < noting.seconds <= 600.0


def test_who_cannot_be_started_is_missing() -> None:
    rounds = interleave(slices(Program(lambda: [python_of("absent")]), ["a"]), 1)
    assert list(rounds.missing) == ["a"]
    assert "absent" in rounds.missing["a"]


def test_started_by_hand_it_runs_every_form_once() -> None:
    found = serving(SERVES.replace(', "ends": ends', ""))()
    assert found == {"counts": {"run": 0}, "fails": "RuntimeError: the reason", "prints": {"us": 1.0}}


def test_forms_take_turns_and_their_program_is_started_once() -> None:
    program = serving()
    rounds = interleave(slices(program, ["counts", "prints"], "here: "), 3)
    assert rounds.of("here: counts", "run") == [0, 1, 2]
    assert program.pid is None


def test_settings_have_their_programs_one_after_another() -> None:
    heard: list[str] = []
    parts = [slices(serving(), ["counts"], setting) for setting in ("a: ", "b: ")]
    rounds = one_after_another(parts, 2, heard.append)
    assert (rounds.of("a: counts", "run"), rounds.of("b: counts", "run")) == ([0, 1], [0, 1])
    assert len(rounds.load) == 4
    assert heard.count("programs that make their preparations: 1") == 2


def test_an_interruption_keeps_finished_rounds_and_leaves_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "INTERRUPTION", Interruption())
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    runs = iter(range(5))

    started: list[int | None] = []

    def interrupted() -> Figures:
        started.append(program.pid)
        if next(runs) == 2:
            signal.raise_signal(signal.SIGINT)
        return {"us": 1.0}

    program = serving()
    try:
        rounds = interleave([*slices(program, ["counts"]), Contestant("user", interrupted)], 5)
    finally:
        signal.signal(signal.SIGINT, before)
    assert rounds.of("counts", "run") == [0, 1]
    assert len(set(started)) == 1
    assert not psutil.pid_exists(started[0] or 0)


def busy(programs: Sequence[Program]) -> list[float]:
    """How many cores each keeps busy while nobody asks it for anything."""
    families = [_family(program.pid or 0) for program in programs]
    before = [_seconds(family) for family in families]
    time.sleep(LOOK_S)
    return [(_seconds(family) - first) / LOOK_S for family, first in zip(families, before, strict=True)]


def _family(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def _seconds(family: Sequence[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in family)


@pytest.mark.timeout(120)
def test_who_is_not_asked_leaves_the_cores_alone() -> None:
    programs = [here(module, *arguments) for module, *arguments in OURS]
    with there(*programs):
        for program in programs:
            assert program.slice("")["steps_per_second" if program is not programs[0] else "one_core"] > 0
        idle = dict(zip((module for module, *_ in OURS), busy(programs), strict=True))
    assert {name for name, cores in idle.items() if cores > BUSY} == set()


def test_who_spins_would_be_seen() -> None:
    program, until = serving(SPINS), time.monotonic() + 60.0
    with there(program):
        family = _family(program.pid or 0)
        before = _seconds(family)
        while (spent := _seconds(family) - before) <= BUSY * LOOK_S and time.monotonic() < until:
            time.sleep(0.01)  # on a machine that has much else to do it takes longer
        for child in family[1:]:
            child.kill()
    assert spent > BUSY * LOOK_S
