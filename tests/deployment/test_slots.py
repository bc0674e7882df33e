"""Runs on several slots: the same result as on one worker, and the same failure; whoever does not belong is refused.

RLREACTOR_SLOT_PROGRAMS says how many random programs are run.
"""

from __future__ import annotations

import os
from random import Random

import pytest

from rlreactor import Reactor, Result, RunError, check
from rlreactor.runtime import meeting, neighbourhood

from ..placements import Where, placed, together
from ..programs import random_program
from ..test_random_programs import SIZES, difference, outcome, placement
from ..watchdog import watched
from .forked import deploy_here

COUNT = int(os.environ.get("RLREACTOR_SLOT_PROGRAMS", "16"))
FIRST = int(os.environ.get("RLREACTOR_FIRST_PROGRAM", "0"))
BATCH = 8


def split(chance: Random, workers: int) -> list[list[int]]:
    """The workers on two or three slots, or on one each."""
    count = chance.randint(2, min(3, workers)) if workers > 1 else 1
    order = list(range(workers))
    chance.shuffle(order)
    return [sorted(order[i::count]) for i in range(count)]


def on_slots(topology: Reactor, where: Where, chance: Random, **options: object) -> Result | str:
    timeout = options.pop("timeout")
    plan = placed(topology, where, **options)  # type: ignore[arg-type]
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
            patch.setattr(neighbourhood, "BACKLOG", chance.choice([2, 20, 4096]))
            with watched(60):
                result = on_slots(topology, where, chance, timeout=program.timeout, **options)
        found = difference(groups, expected, result)
        assert not found, f"random_program({seed}) on {where} with {options}: {found}\n{program.source}"
