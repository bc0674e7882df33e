"""What the engine costs between workers on this machine, found out with reactions that do nothing.

Two reactors send each other messages in step, once in one worker and once in two. What a tag takes longer is the way of
the messages there and back; what both workers compute more than that of one is what their accounts take. How
uneven the pace of the cores is shows when both reactors do the same work at once and wait for each other.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rlreactor.graph import Graph, check
from rlreactor.planner.machine import discover
from rlreactor.planner.placement import plan
from rlreactor.planner.plan import Plan
from rlreactor.planner.profile import EngineCosts
from rlreactor.port import Inputs, Outputs
from rlreactor.reactions import reaction
from rlreactor.reactor import Reactor, fresh
from rlreactor.runtime.share import Options
from rlreactor.runtime.supervisor import run_in_child, supervise
from rlreactor.spec import Array
from rlreactor.tag import TICK
from rlreactor.timer import Timer

__all__ = ["calibrate"]

VALUE = Array(np.float32, (4,))  # most messages are arrays, and those take longer than numbers
_ANYTHING = np.zeros(4, np.float32)
_TAGS, _SHARED_TAGS, _FEW_TAGS, _PAIR_TAGS = 2000, 500, 60, 30
_WIDE = 8
_TIMES = 3
_PAIRS = 15
_MOST_UNEVEN = 0.9
_TURNS = 50_000  # about a millisecond, beside which links are next to nothing
_REST_NS = 2_000_000  # enough for a reader to go to sleep, which spins for about a millisecond


class _Caller(Reactor):
    """Asks at every tick."""

    width: int
    tick = Timer(0, TICK)
    answers = Inputs(VALUE, width="width", hold=True)
    questions = Outputs(VALUE, width="width")

    @reaction(tick, reads=[answers], effects=[questions])
    def ask(self) -> None:
        for question in self.questions:
            question.set(_ANYTHING)


class _Replier(Reactor):
    """Answers at once, or after so many turns of a loop, or when so much time is over."""

    width: int
    turns: int = 0
    rest_ns: int = 0
    questions = Inputs(VALUE, width="width")
    answers = Outputs(VALUE, width="width")

    @reaction(questions, effects=[answers])
    def reply(self) -> None:
        for _ in range(self.turns):
            pass
        until = time.perf_counter_ns() + self.rest_ns
        while self.rest_ns and time.perf_counter_ns() < until:
            pass
        for question, answer in zip(self.questions, self.answers, strict=True):
            answer.set(question.value)


class _Loop(Reactor):
    """`repliers` that answer `width` questions each."""

    repliers: int
    width: int
    turns: int = 0
    rest_ns: int = 0

    def compose(self) -> None:
        self.caller = _Caller(width=self.repliers * self.width)
        self.bank = [_Replier(width=self.width, turns=self.turns, rest_ns=self.rest_ns) for _ in range(self.repliers)]
        self.connect(self.caller.questions, [replier.questions for replier in self.bank])
        self.connect([replier.answers for replier in self.bank], self.caller.answers, after=TICK)


class _Stream(Reactor):
    """Questions that nobody waits to be answered."""

    def compose(self) -> None:
        self.caller = _Caller(width=1)
        self.replier = _Replier(width=1)
        self.connect(self.caller.questions, self.replier.questions)


class _Lap(NamedTuple):
    """Seconds per tag: in all, and computing, of both workers together."""

    total: float
    busy: float


class _Trial(NamedTuple):
    """A topology in one worker and in two."""

    alone: _Lap
    apart: _Lap

    @property
    def later(self) -> float:
        """By how much a tag takes longer in two."""
        return max(0.0, self.apart.total - self.alone.total)


def calibrate() -> EngineCosts:
    """Takes some seconds. Where there is one core only, nobody spins, and everything is as if shared."""
    cores = [core.id for core in discover().cores]
    apart, together = ((cores[0],), (cores[-1],)), ((cores[0],), (cores[0],))
    loops = (_Loop(repliers=1, width=1), _Loop(repliers=1, width=_WIDE), _Loop(repliers=_WIDE, width=1))
    one, wide, bank = (_trial(loop, apart) for loop in loops)
    stream = _trial(_Stream(), apart)
    message = max(0.0, wide.later - one.later) / (2 * (_WIDE - 1))  # a question and an answer
    notice = max(0.0, bank.later - wide.later) / (_WIDE - 1)
    waiting = max(0.0, (one.apart.busy - one.alone.busy) / 2 - message - notice)
    switch = _later(one, together) / 2 - waiting  # on one core the accounts of both are on the way
    asleep = _trial(_Loop(repliers=1, width=1, rest_ns=_REST_NS), apart, _FEW_TAGS)  # only on the way back
    hops = {"spinning": one.later / 2, "sleeping": asleep.later - one.later / 2, "shared": switch}
    if len(cores) == 1:
        hops = dict.fromkeys(hops, switch)
    return EngineCosts(
        passing=max(0.0, stream.apart.total - stream.alone.total / 2 - message / 2 - notice),
        waiting=waiting,
        notice=notice,
        message=message,
        unevenness=0.0 if len(cores) == 1 else _unevenness(apart, one.later),
        **{kind: max(0.0, hop - message - notice) for kind, hop in hops.items()},
    )


def _unevenness(apart: Sequence[tuple[int, ...]], links: float) -> float:
    """Two do some work each at every tag, one after the other or both at once: the middle one of many pairs of runs.

    Of two cores that are slow or fast by chance, the slower one takes half the swing longer than either on average.
    """
    graph = check(_Loop(repliers=2, width=1, turns=_TURNS))
    pairs = [(_run(graph, None, _PAIR_TAGS).total, _run(graph, apart, _PAIR_TAGS).total) for _ in range(_PAIRS)]
    longer = statistics.median((both - links) / (one_by_one / 2) for one_by_one, both in pairs)
    return min(max(0.0, 2 * (longer - 1)), _MOST_UNEVEN)


def _trial(topology: Reactor, cores: Sequence[tuple[int, ...]], tags: int = _TAGS) -> _Trial:
    return _Trial(_lap(topology, None, tags), _lap(topology, cores, tags))


def _later(trial: _Trial, cores: Sequence[tuple[int, ...]]) -> float:
    return max(0.0, _lap(_Loop(repliers=1, width=1), cores, _SHARED_TAGS).total - trial.alone.total)


def _lap(topology: Reactor, cores: Sequence[tuple[int, ...]] | None, tags: int) -> _Lap:
    """The middle one of a few runs; in one worker without `cores`."""
    return sorted(_run(check(fresh(topology)), cores, tags) for _ in range(_TIMES))[_TIMES // 2]


def _run(graph: Graph, cores: Sequence[tuple[int, ...]] | None, tags: int) -> _Lap:
    options = Options(0, True, tags * TICK, True, False, time.monotonic_ns())
    if cores is None:
        seconds = run_in_child(graph, plan(graph, workers=1), options)["worker"]["seconds"] / tags
        return _Lap(seconds, seconds)
    reports = supervise(graph, _pinned(plan(graph, workers=2), cores), options, lambda _: None)
    workers = [report["worker"] for report in reports]
    total = statistics.fmean(worker["seconds"] for worker in workers)
    busy = sum(worker["seconds"] - worker["seconds_waited"] for worker in workers)
    return _Lap(total / tags, busy / tags)


def _pinned(made: Plan, cores: Sequence[tuple[int, ...]]) -> Plan:
    pinned = (worker.model_copy(update={"cores": own}) for worker, own in zip(made.workers, cores, strict=True))
    return made.model_copy(update={"workers": tuple(pinned)})
