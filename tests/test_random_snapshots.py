"""Random programs that are resumed, on any placement, end as they do when nobody interrupts them.

A failure prints the seed: `random_program(SEED, SIZE).source` is the program. The nightly run sets
RLREACTOR_PROGRAMS (how many).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest

from rlreactor import Result, check
from rlreactor.runtime import intake, meeting
from rlreactor.runtime.preludes import JITTER

from .placements import together
from .programs import Program, random_program
from .test_random_programs import SIZES, outcome, placement, states
from .watchdog import watched

COUNT = int(os.environ.get("RLREACTOR_PROGRAMS", "40"))
BATCH = 20


def unlike(paths: Iterable[str], expected: Result, resumed: Result | str) -> str:
    """In what a resumed run ends in another way; empty if it does not."""
    if isinstance(resumed, str):
        return resumed
    if resumed.tag != expected.tag:
        return f"stopped at {resumed.tag} instead of {expected.tag}"
    if resumed.fingerprint != expected.fingerprint or resumed.trace != expected.trace:
        return "another fingerprint or another trace"
    before, after = states(paths, expected), states(paths, resumed)
    return ", ".join(f"another state of {path!r}" for path in before if before[path] != after[path])


def check_resumed(seed: int, program: Program, chance: Random, folder: Path) -> int:
    """Run with snapshots, and once more from each; returns how many there were."""
    topology = program.topology()
    groups = together(check(topology))
    expected = outcome(topology, {}, timeout=program.timeout)
    if isinstance(expected, str):
        return 0
    every = chance.choice([None, chance.randint(1, 1 + expected.tag.time)])
    where, options = placement(chance, groups)
    story = f"random_program({seed}) with snapshot_every={every} on {where} with {options}"
    with watched():
        kept = outcome(topology, where, timeout=program.timeout, snapshot=folder, snapshot_every=every, **options)
    found = unlike(groups, expected, kept)
    assert not found, f"{story}: {found}\n{program.source}"
    cuts = [cut for cut in folder.iterdir() if cut.is_dir()]
    for cut in cuts:
        where, options = placement(chance, groups)
        with watched():
            resumed = outcome(topology, where, timeout=program.timeout, resume=cut, **options)
        found = unlike(groups, expected, resumed)
        assert not found, f"{story}, resumed from {cut.name} on {where} with {options}: {found}\n{program.source}"
    return len(cuts)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(0, COUNT, BATCH))
def test_a_resumed_run_ends_as_one_that_was_never_interrupted(
    first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = 0
    for seed in range(first, min(first + BATCH, COUNT)):
        chance = Random(seed)
        program = random_program(seed, chance.choice(SIZES))
        with monkeypatch.context() as patch:
            patch.setattr(meeting, "ring_capacity", chance.choice([256, 4096, 128 << 10]))
            patch.setattr(intake, "BACKLOG", chance.choice([2, 20, 4096]))
            if seed % 3 == 0:
                patch.setenv(JITTER, f"{seed}:300")
            made += check_resumed(seed, program, chance, tmp_path / str(seed))
    assert made >= (min(BATCH, COUNT - first)) // 4
