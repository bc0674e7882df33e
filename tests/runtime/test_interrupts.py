"""Ctrl-C and SIGTERM: a clean end with everything up to the last tag boundary."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from rlreactor import sec

from ..placements import run_placed
from .conftest import Start
from .processes import await_end
from .topologies import Endless

WHERE: list[dict[str, int]] = [{}, {"following": 1}]


def interrupted(**options: Any) -> Callable[[int], str]:
    """Run until interrupted, and tell what the exception carries."""
    where = options.pop("where")
    parameters = {name: options.pop(name) for name in ("slow_s", "period") if name in options}

    def body(announce: int) -> str:
        try:
            run_placed(Endless(announce=announce, **parameters), where, **options)
        except KeyboardInterrupt as error:
            result = getattr(error, "result", None)
            if result is None:
                return "broken off"
            count, total = result.state("ticking")["count"], result.state("following")["total"]
            sums = {n * (n + 1) // 2 for n in range(count + 2)}
            ended = result.state("following")["ended"]
            return f"interrupted={result.interrupted} consistent={total in sums} ended={ended}"
        return "not interrupted"

    return body


CLEAN = "interrupted=True consistent=True ended=False"


@pytest.mark.parametrize("where", WHERE, ids=str)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_supervisor(start: Start, number: int, where: dict[str, int]) -> None:
    run = start(interrupted(where=where))
    run.await_announcement()
    family = run.family()
    os.kill(run.pid, number)
    assert run.outcome() == CLEAN
    assert await_end(family) == []


@pytest.mark.parametrize("where", WHERE, ids=str)
def test_a_signal_to_the_whole_group(start: Start, where: dict[str, int]) -> None:
    run = start(interrupted(where=where), group=True)
    run.await_announcement()
    family = run.family()
    os.killpg(run.pid, signal.SIGINT)
    assert run.outcome() == CLEAN
    assert await_end(family) == []


@pytest.mark.parametrize("where", WHERE, ids=str)
def test_a_signal_while_a_reaction_takes_long(start: Start, where: dict[str, int]) -> None:
    """It is finished first: what it does is not cut off in the middle."""
    run = start(interrupted(where=where, slow_s=0.5))
    run.await_announcement()
    os.kill(run.pid, signal.SIGINT)
    assert run.outcome() == CLEAN


@pytest.mark.parametrize("where", WHERE, ids=str)
def test_a_signal_that_comes_several_times_at_once(start: Start, where: dict[str, int]) -> None:
    """As from timeout(1), which sends it to a process and to its group."""
    run = start(interrupted(where=where, slow_s=0.5))
    run.await_announcement()
    for _ in range(3):
        os.kill(run.pid, signal.SIGINT)
        await_end([run.pid], 0.005)
    assert run.outcome() == CLEAN


@pytest.mark.parametrize("where", WHERE, ids=str)
def test_a_second_signal_breaks_off(start: Start, where: dict[str, int]) -> None:
    run = start(interrupted(where=where, slow_s=3600.0))
    run.await_announcement()
    family = run.family()
    os.kill(run.pid, signal.SIGINT)
    begin = time.monotonic()
    while time.monotonic() - begin < 10 and not await_outcome(run.pid):
        os.kill(run.pid, signal.SIGINT)
    assert run.outcome() == "broken off"
    assert await_end(family) == []


def await_outcome(pid: int) -> bool:
    """Whether the process ends within a moment."""
    return await_end([pid], 0.3) == []


@pytest.mark.parametrize("where", WHERE, ids=str)
def test_a_signal_while_everybody_sleeps_until_a_far_tag(start: Start, where: dict[str, int]) -> None:
    run = start(interrupted(where=where, fast=False, period=sec(3600), slow_s=0.01))
    run.await_announcement()
    os.kill(run.pid, signal.SIGINT)
    assert run.outcome(limit_s=5) == CLEAN


@pytest.mark.parametrize("number", range(20))
def test_a_signal_at_any_moment_of_the_start(start: Start, number: int) -> None:
    """While workers are being started, before they have set up anything, and just after."""

    def body(announce: int) -> str:
        os.write(announce, b".")
        return interrupted(where={"following": 1, "": 2})(-1)

    run = start(body)
    run.await_announcement()
    await_end([run.pid], 0.003 * number)
    os.kill(run.pid, signal.SIGINT)
    outcome = run.outcome()
    assert outcome in (CLEAN, "broken off") or outcome.endswith("KeyboardInterrupt\n"), outcome


@pytest.mark.parametrize("where", WHERE, ids=str)
def test_signals_belong_to_the_program_again_afterwards(where: dict[str, int]) -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    run_placed(Endless(), where, timeout=1000)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
