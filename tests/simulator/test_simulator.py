"""The same scheduler, board and links, in one thread, with everything that can go wrong: the outcome stays the same.

`RLREACTOR_SIMULATOR_SEEDS` sets how many seeds run in each mode.
"""

from __future__ import annotations

import os

import pytest

from .faults import FAULTS, Fault
from .simulate import HOST, MIXED, NETWORK, simulate
from .topologies import case_of

pytestmark = pytest.mark.interpreted

SEEDS = int(os.environ.get("RLREACTOR_SIMULATOR_SEEDS", "300"))
CHUNKS = 10
SHARE = {HOST: 1, NETWORK: 1, MIXED: 5}  # one seed in so many: the mixture has nothing that one of the others lacks
ARRAYS = 6  # a seed of the program whose values lie in slots


@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize("mode", [HOST, NETWORK, MIXED])
def test_whatever_happens_the_run_is_that_of_one_worker(mode: str, chunk: int) -> None:
    for seed in range(chunk, SEEDS // SHARE[mode], CHUNKS):
        try:
            simulate(case_of(seed), seed, mode)
        except Exception as error:
            raise AssertionError(f"{mode} mode, seed {seed}, {case_of(seed).name}: {error}") from error


def found_at(fault: Fault) -> int | None:
    """The first seed that shows the fault."""
    for seed in range(500):
        case = case_of(ARRAYS if "slot" in fault.name else seed)
        with fault.planted():
            try:
                simulate(case, seed, fault.mode)
            except Exception:
                return seed
    return None


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.mode}: {fault.name}")
def test_a_planted_bug_is_found(fault: Fault) -> None:
    seed = found_at(fault)
    print(f"found at seed {seed}")  # shown by pytest -rP
    assert seed is not None


def test_a_seed_repeats_itself() -> None:
    for mode in (HOST, NETWORK, MIXED):
        assert simulate(case_of(6), 6, mode) == simulate(case_of(6), 6, mode)


def test_there_are_bugs_of_every_kind() -> None:
    assert len({fault.name for fault in FAULTS}) >= 20
