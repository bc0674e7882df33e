"""Who is woken by what a worker tells: everybody whom it lets go on, nobody else."""

from __future__ import annotations

import mmap
import os

import pytest

from rlreactor import TICK, Input, Output, Reactor, Timer, check, reaction
from rlreactor.links.board import Board
from rlreactor.links.doorbell import Doorbell, new_doorbell_fd
from rlreactor.runtime.audience import Audience
from rlreactor.scheduler.routes import Routes


class Asker(Reactor):
    tick = Timer(0, TICK)
    first = Output(int)
    answer = Input(int)
    second = Output(int)

    @reaction(tick, effects=[first])
    def ask(self) -> None:
        self.first.set(1)

    @reaction(answer, effects=[second])
    def ask_again(self) -> None:
        self.second.set(2)


class Answerer(Reactor):
    first = Input(int)
    answer = Output(int)
    second = Input(int)

    @reaction(first, effects=[answer])
    def reply(self) -> None:
        self.answer.set(1)

    @reaction(second)
    def end(self) -> None:
        pass


class Both(Reactor):
    def compose(self) -> None:
        self.asker = Asker()
        self.answerer = Answerer()
        self.connect(self.asker.first, self.answerer.first)
        self.connect(self.answerer.answer, self.asker.answer)
        self.connect(self.asker.second, self.answerer.second)


@pytest.fixture
def ranks() -> dict[str, int]:
    return {node.path: node.rank for node in check(Both()).reactions}


def rung(frontiers: list[tuple[int, int, int]], wanted: int) -> list[bool]:
    """Whether the answerer's worker, which sleeps and wants a time, is rung after each of the asker's frontiers."""
    routes = Routes.of(check(Both()), {"asker": 0, "answerer": 1}, 2)
    memory = mmap.mmap(-1, Board.size(2))
    boards = [Board(memory, 0, 2, me) for me in range(2)]
    boards[1].set_wanted(wanted)
    words, asleep = boards[1].asleep(1)
    bell = Doorbell(new_doorbell_fd(), words, asleep)
    audience = Audience(routes, 0, [bell, bell])
    found: list[bool] = []
    for number, frontier in enumerate(frontiers, 1):
        words[asleep] = number
        if audience.learn(frontier):
            audience.wake(boards[0])
        found.append(has_been_rung(bell))
    os.close(bell.fd)
    return found


def has_been_rung(bell: Doorbell) -> bool:
    try:
        return os.eventfd_read(bell.fd) > 0
    except BlockingIOError:
        return False


def test_whoever_waits_at_a_gate_is_woken_by_the_one_edge_it_reads(ranks: dict[str, int]) -> None:
    before, between = ranks["asker.ask"], ranks["asker.ask"] + 1
    assert between <= ranks["asker.ask_again"]
    # Nothing more comes from `ask` at tag 3, so that the gate of `reply` opens; `ask_again` may still send.
    assert rung([(3, 0, before), (3, 0, between)], wanted=3) == [True, True]


def test_nobody_is_woken_by_what_it_does_not_wait_for(ranks: dict[str, int]) -> None:
    between = ranks["asker.ask"] + 1
    assert rung([(1, 0, 0), (2, 0, between), (3, 0, 0)], wanted=9) == [False, False, False]
    assert rung([(4, 0, 0), (4, 0, between), (5, 0, 0)], wanted=3) == [True, False, False]


def test_nobody_is_woken_by_what_is_no_news(ranks: dict[str, int]) -> None:
    end = max(ranks.values()) + 1
    assert rung([(3, 0, end), (4, 0, 0), (4, 0, 0)], wanted=4) == [True, False, False]
