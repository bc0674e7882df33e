"""Random programs on random placements do what they do on one worker.

A failure prints the seed: `random_program(SEED, SIZE).source` is the program. The nightly run sets
RLREACTOR_PROGRAMS (how many) and RLREACTOR_FIRST_PROGRAM (the first seed).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlreactor import Reactor, Result, RunError, check, codec
from rlreactor.runtime import intake, meeting
from rlreactor.runtime.preludes import JITTER
from rlreactor.scheduler import sequence

from .placements import Where, run_placed, shuffled_together, together
from .programs import Program, programs, random_program
from .watchdog import watched

COUNT = int(os.environ.get("RLREACTOR_PROGRAMS", "100"))
FIRST = int(os.environ.get("RLREACTOR_FIRST_PROGRAM", "0"))
BATCH = 20
PLACEMENTS = 2
SIZES = (2, 3, 3, 4)


def states(paths: Iterable[str], result: Result) -> dict[str, bytes]:
    """The state of every reactor, as bytes: arrays compare by their contents."""
    return {path: codec.pack_leniently(result.state(path)) for path in paths}


def outcome(topology: Reactor, where: Where, **options: Any) -> Result | str:
    """The result of a run, or what it failed with."""
    try:
        return run_placed(topology, where, **options)
    except RunError as error:
        return str(error)


def difference(paths: Iterable[str], expected: Result | str, result: Result | str) -> str:
    """The first thing in which two outcomes differ; empty if there is none."""
    if isinstance(expected, str) or isinstance(result, str):
        return "" if expected == result else f"{result} instead of {expected}"
    if result.tag != expected.tag:
        return f"stopped at {result.tag} instead of {expected.tag}"
    for one, other in zip(expected.trace, result.trace, strict=False):
        if type(result.trace)([one]) != [other]:
            return f"{other} instead of {one}"
    if len(result.trace) != len(expected.trace) or result.fingerprint != expected.fingerprint:
        return f"{len(result.trace)} events instead of {len(expected.trace)}, or another fingerprint"
    if result.metrics != expected.metrics:
        return "other metrics"
    before, after = states(paths, expected), states(paths, result)
    return ", ".join(f"another state of {path!r}" for path in before if before[path] != after[path])


def placement(chance: Random, groups: Mapping[str, str]) -> tuple[Where, dict[str, Any]]:
    """Where everything runs, with memory that is scarce more often than not."""
    where = shuffled_together(groups, chance.randint(2, 5), chance.randrange(1 << 30))
    return where, {"inline_limit": chance.choice([0, 0, 100, 4096]), "slots": chance.choice([1, 2, 2, 3, 4])}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(FIRST, FIRST + COUNT, BATCH))
def test_placement_never_matters(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(first, min(first + BATCH, FIRST + COUNT)):
        chance = Random(seed)
        size = chance.choice(SIZES)
        program = random_program(seed, size)
        topology = program.topology()
        groups = together(check(topology))
        expected = outcome(topology, {}, timeout=program.timeout)
        for turn in range(PLACEMENTS):
            where, options = placement(chance, groups)
            with monkeypatch.context() as patch:
                patch.setattr(meeting, "ring_capacity", chance.choice([256, 4096, 128 << 10]))
                patch.setattr(intake, "BACKLOG", chance.choice([2, 20, 4096]))
                patch.setattr(sequence, "warm_up", chance.choice([0, 2, 32]))
                if turn and seed % 3 == 0:
                    patch.setenv(JITTER, f"{seed}:300")
                with watched():
                    result = outcome(topology, where, timeout=program.timeout, **options)
            found = difference(groups, expected, result)
            assert not found, f"random_program({seed}, {size}) on {where} with {options}: {found}\n{program.source}"


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(program=programs(), chance=st.randoms(use_true_random=False))
def test_placement_never_matters_to_programs_that_are_cut_down(program: Program, chance: Random) -> None:
    """A few, drawn by Hypothesis: of a failure it shows the smallest program and placement that it finds."""
    topology = program.topology()
    groups = together(check(topology))
    expected = outcome(topology, {}, timeout=program.timeout)
    where, options = placement(chance, groups)
    with watched():
        result = outcome(topology, where, timeout=program.timeout, **options)
    assert not difference(groups, expected, result), f"{where} with {options}\n{program.source}"


def test_programs_are_the_same_for_the_same_seed() -> None:
    for seed in range(5):
        assert random_program(seed).source == random_program(seed).source


def test_programs_are_worth_running() -> None:
    """Most of them set values, at several tags, on several reactors, and some of them end early or fail."""
    events: list[int] = []
    early = failed = 0
    sources = ""
    for seed in range(40):
        program = random_program(seed, 3)
        result = outcome(program.topology(), {}, timeout=program.timeout)
        sources += program.source
        if isinstance(result, str):
            failed += 1
            continue
        events.append(len(result.trace))
        early += result.tag != (program.timeout, 0)
    assert sum(count > 20 for count in events) > 12
    assert 3 < early < 37
    assert 0 < failed < 12
    for word in (
        "Inputs(",
        "hold=True",
        "mutable=True",
        "after=0",
        "after=40",
        "request_stop",
        "schedule(",
        ".empty()",
        "Mode(initial=True)",
        ".enter(history=True)",
        ".enter(history=False)",
        ".contain(",
        "reset=m",
        "deadline=0",
        "deadline=sec(",
        "interleaved(",
        "broadcast(",
        "policy='defer'",
        "policy='drop'",
        "policy='replace'",
        "policy='update'",
    ):
        assert word in sources
    for kind in ("int", "dict", "str", "SMALL", "LARGE", "NOTHING", "SCALAR", "RECORD"):
        assert f"Input({kind}" in sources or f"Inputs({kind}" in sources
