"""Topologies that go wrong, for the tests of workers and supervisor."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from rlreactor import Input, Output, Reactor, Timer, ms, reaction, sec, shutdown, startup, state

FOREVER_S = 3600


class Ticking(Reactor):
    """Counts, for ever."""

    period: int = ms(1)
    tick = Timer(0, "period")
    out = Output(int)
    count: int = state(0)

    @reaction(tick, effects=[out])
    def count_on(self) -> None:
        self.count += 1
        self.out.set(self.count)


class Following(Reactor):
    inp = Input(int)
    total: int = state(0)

    @reaction(inp)
    def add(self) -> None:
        self.total += self.inp.value


class Faulty(Reactor):
    """Does something bad at a time."""

    what: str
    when: int = ms(5)
    tick = Timer(0, ms(1))
    nothing = Input(int)
    out = Output(int)
    held: Any = state()

    @reaction(tick, reads=[nothing], effects=[out])
    def act(self) -> None:
        if self.tag.time == self.when:
            self.misbehave()
        self.out.set(0)

    def misbehave(self) -> None:
        match self.what:
            case "raises":
                raise ValueError("no such luck")
            case "absent":
                _ = self.nothing.value
            case "wrong value":
                self.out.set("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            case "undeclared":
                getattr(self, "in" + "p").set(1)
            case "exits":
                os._exit(3)
            case "is killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "system exit":
                raise SystemExit("enough")
            case "sleeps":
                time.sleep(FOREVER_S)
            case _:
                pass


class Pair(Reactor):
    """A reactor that does something bad, and two others on which nothing is wrong."""

    what: str
    when: int = ms(5)

    def compose(self) -> None:
        self.faulty = Faulty(what=self.what, when=self.when)
        self.ticking = Ticking()
        self.following = Following()
        self.connect(self.faulty.out, self.following.inp)


class Endless(Reactor):
    """Runs until somebody ends it. `announce` is a descriptor that gets a byte once both run."""

    announce: int = -1
    slow_s: float = 0.0
    period: int = ms(1)

    def compose(self) -> None:
        self.ticking = Ticking(period=self.period)
        self.following = Announcing(announce=self.announce, slow_s=self.slow_s)
        self.connect(self.ticking.out, self.following.inp)


class Announcing(Reactor):
    announce: int
    slow_s: float
    inp = Input(int)
    end = Output(bool)
    total: int = state(0)
    ended: bool = state(False)

    @reaction(inp)
    def add(self) -> None:
        self.total += self.inp.value
        if self.inp.value == 3 or (self.inp.value == 1 and self.slow_s):
            if self.announce >= 0:
                os.write(self.announce, b".")
            if self.slow_s:
                time.sleep(self.slow_s)

    @reaction(shutdown)
    def stop(self) -> None:
        self.ended = True


class Parent(Reactor):
    """Starts a child process and leaves it alone."""

    announce: int
    how: str
    tick = Timer(0, sec(1))

    @reaction(startup)
    def begin(self) -> None:
        child = os.fork()
        if child == 0:
            time.sleep(FOREVER_S)
            os._exit(0)
        os.write(self.announce, b"%d\n" % child)

    @reaction(tick)
    def work(self) -> None:
        if self.how == "raises":
            raise ValueError("after the fork")
        if self.how == "is killed" and self.tag.time:
            os.kill(os.getpid(), signal.SIGKILL)


class Parents(Reactor):
    announce: int
    how: str

    def compose(self) -> None:
        self.parent = Parent(announce=self.announce, how=self.how)
        self.ticking = Ticking(period=sec(1))
