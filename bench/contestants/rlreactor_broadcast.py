"""Milliseconds a round of broadcast and gather: a server sends an array to all clients, and hears of each of them.

Clients look at the array and acknowledge it, or copy it and return the copy, of which the server copies the first. A
round is one tag. Clients that sleep have a worker each; else all share two workers, the server on the first of them.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np

from bench.contestants.slices import serve
from rlreactor import TICK, Array, Input, Inputs, Output, Plan, Reactor, Timer, plan, reaction, run, state

OBJECT = Array(np.float64, ("length",))
WARM_UP = 3  # rounds before the clock counts: until then every slot has been written


class Server(Reactor):
    """Sends an array of ones every tag and notes when; what comes back is for its subclasses."""

    clients: int
    length: int
    tick = Timer(0, TICK)
    ones = Output(OBJECT)
    array: np.ndarray[Any, np.dtype[np.float64]] = state(factory=lambda: np.zeros(0))
    sent_ns: int = state(0)
    taken_ns: list[int] = state(factory=list[int])

    @reaction(tick, effects=[ones])
    def send(self) -> None:
        if not len(self.array):
            self.array = np.ones(self.length)
        self.sent_ns = time.perf_counter_ns()
        self.ones.set(self.array)


class HearingServer(Server):
    acknowledged = Inputs(int, width="clients")

    @reaction(acknowledged)
    def gather(self) -> None:
        assert all(channel.present for channel in self.acknowledged)
        self.taken_ns.append(time.perf_counter_ns() - self.sent_ns)


class GatheringServer(Server):
    copies = Inputs(OBJECT, width="clients")

    @reaction(copies)
    def gather(self) -> None:
        results = [channel.value for channel in self.copies]
        assert np.copy(results[0])[-1] == 1
        self.taken_ns.append(time.perf_counter_ns() - self.sent_ns)


class Reader(Reactor):
    """Looks at both ends of the array, where it lies."""

    length: int
    ones = Input(OBJECT)
    acknowledged = Output(int)

    @reaction(ones, effects=[acknowledged])
    def read(self) -> None:
        ones = self.ones.value
        assert ones[0] == ones[-1] == 1
        self.acknowledged.set(1)


class Copier(Reactor):
    """Returns a copy of the array, after `sleep_s` seconds."""

    length: int
    sleep_s: float = 0.0
    ones = Input(OBJECT)
    copied = Output(OBJECT)

    @reaction(ones, effects=[copied])
    def copy(self) -> None:
        if self.sleep_s:
            time.sleep(self.sleep_s)
        copied = self.copied.empty()
        np.copyto(copied, self.ones.value)
        self.copied.set(copied)


class Reading(Reactor):
    """Readers in turn on the server's worker and on the other one."""

    clients: int
    length: int

    def compose(self) -> None:
        self.server = HearingServer(clients=self.clients, length=self.length)
        self.readers = [Reader(length=self.length) for _ in range(self.clients)]
        for index, reader in enumerate(self.readers):
            self.connect(self.server.ones, reader.ones)
            self.connect(reader.acknowledged, self.server.acknowledged[index])
        self.place(self.readers[2::2], with_="readers[0]")
        self.place(self.readers[1], with_="server")
        self.place(self.readers[3::2], with_="server")


class Copying(Reactor):
    clients: int
    length: int
    sleep_s: float = 0.0

    def compose(self) -> None:
        self.server = GatheringServer(clients=self.clients, length=self.length)
        self.copiers = [Copier(length=self.length, sleep_s=self.sleep_s) for _ in range(self.clients)]
        for index, copier in enumerate(self.copiers):
            self.connect(self.server.ones, copier.ones)
            self.connect(copier.copied, self.server.copies[index])


def rounds_of(topology: Reactor, made: Plan, rounds: int) -> float:
    """Milliseconds of a round, the median."""
    result = run(topology, plan=made, timeout=(WARM_UP + rounds - 1) * TICK, fingerprint=False)
    taken_ns: list[int] = result.state("server")["taken_ns"]
    assert len(taken_ns) == WARM_UP + rounds
    return statistics.median(taken_ns[WARM_UP:]) * 1e-6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--bytes", type=int, default=10 << 20)
    parser.add_argument("--times", type=int, default=50, help="rounds")
    parser.add_argument("--copy", action="store_true", help="clients return a copy instead of an acknowledgement")
    parser.add_argument("--sleep", type=float, default=0.0, help="seconds that a copying client takes")
    options = parser.parse_args()
    length = options.bytes // 8
    if options.copy:
        copying = Copying(clients=options.clients, length=length, sleep_s=options.sleep)
        copied = plan(copying, workers=options.clients + 1 if options.sleep else 2)
        serve({"rlreactor": lambda: {"ms": rounds_of(copying, copied, options.times) - options.sleep * 1e3}})
    else:
        reading = Reading(clients=options.clients, length=length)
        read = plan(reading, workers=2)
        serve({f"{options.clients} readers": lambda: {"ms": rounds_of(reading, read, options.times)}})


if __name__ == "__main__":
    main()
