"""Small, nasty programs: each leans on one thing that workers have to get right together.

Every reaction folds what it sees and when into one number, and sends that: one wrong, late or missing value changes
everything after it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from rlreactor import (
    Action,
    Array,
    Input,
    Inputs,
    Output,
    Outputs,
    Reactor,
    Timer,
    broadcast,
    reaction,
    shutdown,
    startup,
    state,
)

from ..programs import fold, random_program, see
from .simulate import Case

__all__ = ["CASES", "case_of"]

NUMBERS = Array(np.int64, (5,))


class Player(Reactor):
    """Plays at one tag: serves, answers the answer, and so on, so that a zero-delay path goes back and forth."""

    index: int = 0
    period: int = 2
    tick = Timer(0, "period")
    first = Output(int)
    answer = Input(int)
    second = Output(int)
    end = Input(int)
    h: int = state(0)

    @reaction(tick, effects=[first])
    def serve(self) -> None:
        self.h = fold(self.h, self.index, *self.tag)
        if self.h % 3:
            self.first.set(self.h)

    @reaction(answer, tick, effects=[second])
    def reply(self) -> None:
        self.h = fold(self.h, see(self.answer), *self.tag)
        if self.h % 4:
            self.second.set(self.h)

    @reaction(end)
    def note(self) -> None:
        self.h = fold(self.h, see(self.end), *self.tag)


class Opponent(Reactor):
    """The other side, which also sees everything and tells a third."""

    first = Input(int)
    answer = Output(int)
    second = Input(int)
    end = Output(int)
    h: int = state(0)

    @reaction(first, effects=[answer])
    def take(self) -> None:
        self.h = fold(self.h, see(self.first), *self.tag)
        if self.h % 5:
            self.answer.set(self.h)

    @reaction(first, second, effects=[end])
    def finish(self) -> None:
        self.h = fold(self.h, see(self.first), see(self.second), *self.tag)
        self.end.set(self.h)


class Listener(Reactor):
    """Hears several at once, with what it held before."""

    width: int = 2
    inp = Inputs(int, width="width", hold=True)
    out = Output(int)
    h: int = state(0)

    @reaction(inp, effects=[out])
    def listen(self) -> None:
        self.h = fold(self.h, see(self.inp), *self.tag)
        if self.tag.microstep < 4:
            self.out.set(self.h)


class Rally(Reactor):
    """Two matches at different speeds, heard by one listener without delay and by another one later."""

    def compose(self) -> None:
        self.players = [Player(index=i, period=2 + i) for i in range(2)]
        self.opponents = [Opponent() for _ in range(2)]
        self.listener = Listener()
        self.later = Listener()
        for player, opponent in zip(self.players, self.opponents, strict=True):
            self.connect(player.first, opponent.first)
            self.connect(opponent.answer, player.answer)
            self.connect(player.second, opponent.second)
            self.connect(opponent.end, player.end)
        self.connect([o.end for o in self.opponents], self.listener.inp)
        self.connect([self.players[0].first, self.listener.out], self.later.inp, after=1)


class Relay(Reactor):
    """Hands on what it gets while it lasts; adds something of its own now and then."""

    index: int = 0
    inp = Input(int)
    side = Input(int, hold=True)
    out = Output(int)
    again = Action(int)
    h: int = state(0)
    left: int = state(12)

    @reaction(startup, effects=[out])
    def begin(self) -> None:
        if self.index == 0:
            self.out.set(1)

    @reaction(inp, reads=[side], effects=[out, again])
    def hand_on(self) -> None:
        self.h = fold(self.h, see(self.inp), see(self.side), *self.tag)
        if self.left > 0:
            self.left -= 1
            if self.h % 4:
                self.out.set(self.h)
            else:
                self.again.schedule(self.h, delay=self.h % 3)

    @reaction(again, effects=[out])
    def retry(self) -> None:
        self.h = fold(self.h, self.again.value, *self.tag)
        self.out.set(self.h)

    @reaction(shutdown, reads=[side], effects=[out])
    def finish(self) -> None:
        self.h = fold(self.h, see(self.side), *self.tag)
        self.out.set(self.h)


class Loop(Reactor):
    """Relays in a ring, delays of no time, one and three; starves, and says goodbye in its shutdown reactions."""

    def compose(self) -> None:
        self.relays = [Relay(index=i) for i in range(4)]
        self.witness = Listener(width=2)
        for i, after in enumerate([0, 1, None, 3]):
            self.connect(self.relays[i].out, self.relays[(i + 1) % 4].inp, after=after)
        self.connect(self.relays[0].out, self.relays[2].side, after=2)
        self.connect([self.relays[1].out, self.relays[3].out], self.witness.inp)


class Rare(Reactor):
    """Says something once in a long while, far more rarely than others tick."""

    offset: int = 3
    period: int = 17
    tick = Timer("offset", "period")
    inp = Input(int)
    out = Output(int)
    h: int = state(0)

    @reaction(tick, effects=[out])
    def speak(self) -> None:
        self.h = fold(self.h, *self.tag)
        self.out.set(self.h)

    @reaction(inp)
    def hear(self) -> None:
        self.h = fold(self.h, see(self.inp), *self.tag)


class Busy(Reactor):
    """Ticks all the time and looks whether there was news."""

    tick = Timer(0, 1)
    news = Input(int, hold=True)
    out = Output(int)
    h: int = state(0)

    @reaction(tick, news, effects=[out])
    def work(self) -> None:
        self.h = fold(self.h, see(self.news), *self.tag)
        if self.h % 11 == 0:
            self.out.set(self.h)


class Sparse(Reactor):
    """Rare events between busy workers, through one that only hands on."""

    def compose(self) -> None:
        self.rare = [Rare(offset=3), Rare(offset=8, period=23)]
        self.busy = [Busy() for _ in range(2)]
        self.between = Listener(width=1)
        self.connect(self.rare[0].out, self.busy[0].news)
        self.connect(self.rare[1].out, self.between.inp)
        self.connect(self.between.out, self.busy[1].news)
        self.connect(self.busy[0].out, self.rare[1].inp)
        self.connect(self.busy[1].out, self.rare[0].inp, after=0)


class Voter(Reactor):
    """May stop the program, at a tag that depends on what it has heard."""

    index: int = 0
    period: int = 3
    tick = Timer(0, "period")
    inp = Inputs(int, width=2)
    out = Output(int)
    h: int = state(0)

    @reaction(tick, inp, effects=[out, shutdown])
    def vote(self) -> None:
        self.h = fold(self.h, see(self.inp), self.index, *self.tag)
        if self.tag.microstep < 3:
            self.out.set(self.h)
        if self.tag.time > 3 and self.h % 13 == 0:
            self.request_stop()

    @reaction(shutdown, effects=[out])
    def close(self) -> None:
        self.h = fold(self.h, *self.tag)
        self.out.set(self.h)


class Parliament(Reactor):
    """Three voters who hear each other a microstep or a while later; any of them may end it."""

    def compose(self) -> None:
        self.voters = [Voter(index=i, period=2 + i) for i in range(3)]
        self.witness = Listener(width=3)
        for i, voter in enumerate(self.voters):
            self.connect(self.voters[(i + 1) % 3].out, voter.inp[0], after=0)
            self.connect(self.voters[(i + 2) % 3].out, voter.inp[1], after=2 + i)
        self.connect([v.out for v in self.voters], self.witness.inp)


class Writer(Reactor):
    """Fills arrays in place, on most ticks."""

    index: int = 0
    period: int = 1
    tick = Timer(0, "period")
    pace = Input(int)
    out = Output(NUMBERS)
    h: int = state(0)

    @reaction(tick, pace, effects=[out])
    def write(self) -> None:
        self.h = fold(self.h, see(self.pace), self.index, *self.tag)
        if self.h % 5:
            value = self.out.empty()
            value[:] = self.h + np.arange(5)
            self.out.set(value)


class Keeper(Reactor):
    """Reads arrays as they come, as they were, and keeps some."""

    now = Input(NUMBERS)
    held = Input(NUMBERS, hold=True)
    later = Input(NUMBERS)
    out = Output(int)
    h: int = state(0)
    kept: list[Any] = state(factory=list[Any])

    @reaction(now, later, reads=[held], effects=[out])
    def read(self) -> None:
        self.h = fold(self.h, see(self.now), see(self.held), see(self.later), *map(_total, self.kept))
        if self.later.present:
            self.kept.append(self.later.value)
        if self.h % 7 == 0 and self.tag.time:
            self.kept.append(self.held.value)
        del self.kept[:-3]
        self.out.set(self.h)


def _total(array: Any) -> int:
    return int(array.sum())


class Arrays(Reactor):
    """Arrays in slots, read at once, held and delayed, with a way back that paces the writer."""

    def compose(self) -> None:
        self.writers = [Writer(index=i, period=1 + i) for i in range(2)]
        self.keepers = [Keeper() for _ in range(2)]
        first, second = self.writers
        for keeper in self.keepers:
            self.connect(first.out, keeper.now)
            self.connect(second.out, keeper.held)
        self.connect(first.out, self.keepers[0].later, after=3)
        self.connect(second.out, self.keepers[1].later, after=0)
        self.connect(self.keepers[0].out, first.pace, after=1)
        self.connect(self.keepers[1].out, second.pace, after=0)


class Learner(Reactor):
    """Gathers from everybody, answers everybody."""

    actors: int = 3
    batches = Inputs(NUMBERS, width="actors")
    weights = Output(NUMBERS)
    rounds: int = state(0)

    @reaction(startup, effects=[weights])
    def begin(self) -> None:
        self.weights.set(np.zeros(5, np.int64))

    @reaction(batches, effects=[weights])
    def learn(self) -> None:
        self.rounds += 1
        if self.rounds < 8:
            self.weights.set(sum((b.value for b in self.batches if b.present), np.zeros(5, np.int64)) % 1000)


class Actor(Reactor):
    """Answers weights with a batch, each in its own way."""

    index: int = 0
    weights = Input(NUMBERS)
    batch = Output(NUMBERS)
    h: int = state(0)

    @reaction(weights, effects=[batch])
    def act(self) -> None:
        self.h = fold(self.h, see(self.weights), *self.tag)
        if (self.h + self.index) % 4 or self.index == 0:
            out = self.batch.empty()
            out[:] = self.weights.value * (2 + self.index) + 1
            self.batch.set(out)


class Train(Reactor):
    """Actors and a learner in lockstep; starves when the learner has had enough."""

    def compose(self) -> None:
        self.learner = Learner(actors=3)
        self.actors = [Actor(index=i) for i in range(3)]
        self.connect([a.batch for a in self.actors], self.learner.batches)
        self.connect(broadcast(self.learner.weights), [a.weights for a in self.actors], after=1)


class Exchange(Reactor):
    """Sends on several channels at one tag to one that sends back at the next microstep."""

    tick = Timer(0, 4)
    inp = Inputs(int, width=2)
    out = Outputs(int, width=2)
    h: int = state(0)

    @reaction(tick, inp, effects=[out])
    def send(self) -> None:
        self.h = fold(self.h, see(self.inp), *self.tag)
        if self.tag.microstep < 5:
            self.out[self.h % 2].set(self.h)
            if self.h % 3 == 0:
                self.out[1 - self.h % 2].set(self.h + 1)


class Microsteps(Reactor):
    """Everything between two tags of the timer happens in microsteps."""

    def compose(self) -> None:
        self.exchanges = [Exchange() for _ in range(3)]
        for i, exchange in enumerate(self.exchanges):
            self.connect(exchange.out[0], self.exchanges[(i + 1) % 3].inp[0], after=0)
            self.connect(exchange.out[1], self.exchanges[(i + 2) % 3].inp[1], after=0)


CASES = (
    Case("rally", Rally, 12),
    Case("loop", Loop, None),
    Case("loop with a timeout", Loop, 9),
    Case("sparse", Sparse, 26),
    Case("parliament", Parliament, 30),
    Case("parliament without a timeout", Parliament, None),
    Case("arrays", Arrays, 8),
    Case("train", Train, None),
    Case("microsteps", Microsteps, 9),
)
# Small programs of tests/programs.py in which something happens, and in which no mode keeps reactors on one worker.
_RANDOM = (17, 38, 54, 92, 99, 100, 102, 116, 120, 154)


@cache
def _random_case(seed: int) -> Case:
    program = random_program(seed, size=3)
    return Case(f"random {seed}", program.topology, program.timeout, longest=1 << 15)


def case_of(seed: int) -> Case:
    """The program that a seed runs: mostly one of those above, now and then a random one."""
    if seed % 10 == 9:
        return _random_case(_RANDOM[seed // 10 % len(_RANDOM)])
    return CASES[seed % 10 % len(CASES)]
