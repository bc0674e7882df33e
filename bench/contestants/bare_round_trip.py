"""Microseconds of a 16-byte round trip between two pinned processes, by the bare means that links can be made of."""

from __future__ import annotations

import argparse
import importlib
import mmap
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import Pipe
from pathlib import Path
from typing import Any, NamedTuple

from bench.contestants.rest import REST_NS, rest
from bench.contestants.slices import serve
from bench.contestants.times import percentiles
from rlreactor.runtime.process import fork, pin

PAYLOAD = bytes(16)
SELDOM = 10
"""How many times fewer trips are made with rests between them."""


class Ends(NamedTuple):
    """One means: both sides' loops, each given the number of trips; `ask` returns the times in ns."""

    ask: Callable[[int], list[int]]
    answer: Callable[[int], None]


def timed(trip: Callable[[int], None], trips: int) -> list[int]:
    """What each trip took, in ns."""
    taken: list[int] = []
    for number in range(1, trips + 1):
        sent = time.perf_counter_ns()
        trip(number)
        taken.append(time.perf_counter_ns() - sent)
    return taken


def flag() -> Ends:
    """A word in shared memory for each direction, both sides spinning."""
    words = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("q")
    question, answer = 0, 8  # on cache lines of their own

    def trip(number: int) -> None:
        words[question] = number
        while words[answer] != number:
            pass

    def reply(trips: int) -> None:
        for number in range(1, trips + 1):
            while words[question] != number:
                pass
            words[answer] = number

    return Ends(partial(timed, trip), reply)


def eventfd() -> Ends:
    """An eventfd for each direction, both sides asleep in `read`."""
    question, answer = os.eventfd(0), os.eventfd(0)

    def trip(_: int) -> None:
        os.eventfd_write(question, 1)
        os.eventfd_read(answer)

    def reply(trips: int) -> None:
        for _ in range(trips):
            os.eventfd_read(question)
            os.eventfd_write(answer, 1)

    return Ends(partial(timed, trip), reply)


def eventfd_after_rests() -> Ends:
    """The same, but either side keeps the ball until the other one has slept for a while."""
    question, answer = os.eventfd(0), os.eventfd(0)

    def ask(trips: int) -> list[int]:
        taken: list[int] = []
        for _ in range(trips // SELDOM):
            rest()
            sent = time.perf_counter_ns()
            os.eventfd_write(question, 1)
            os.eventfd_read(answer)
            taken.append(time.perf_counter_ns() - sent - REST_NS)
        return taken

    def reply(trips: int) -> None:
        for _ in range(trips // SELDOM):
            os.eventfd_read(question)
            rest()
            os.eventfd_write(answer, 1)

    return Ends(ask, reply)


def pipe() -> Ends:
    """`multiprocessing.Pipe`."""
    here, there = Pipe()

    def trip(_: int) -> None:
        here.send_bytes(PAYLOAD)
        here.recv_bytes()

    def reply(trips: int) -> None:
        for _ in range(trips):
            there.send_bytes(there.recv_bytes())

    return Ends(partial(timed, trip), reply)


def zeromq() -> Ends:
    """A PAIR of ZeroMQ sockets over ipc. Raises ModuleNotFoundError without pyzmq."""
    zmq: Any = importlib.import_module("zmq")  # by name: this is checked where it is not installed
    folder = tempfile.TemporaryDirectory()
    address = f"ipc://{Path(folder.name) / 'socket'}"

    def socket() -> Any:
        return zmq.Context().socket(zmq.PAIR)  # made after the fork: a context does not survive one

    def ask(trips: int) -> list[int]:
        with folder, socket() as end:
            end.bind(address)

            def trip(_: int) -> None:
                end.send(PAYLOAD)
                end.recv()

            return timed(trip, trips)

    def reply(trips: int) -> None:
        with socket() as end:
            end.connect(address)
            for _ in range(trips):
                end.send(end.recv())

    return Ends(ask, reply)


MEANS = {
    "a shared flag, spinning": (flag, 2),
    "eventfd": (eventfd, 2),
    "eventfd, one core": (eventfd, 1),
    "eventfd, after rests": (eventfd_after_rests, 2),
    "multiprocessing.Pipe": (pipe, 2),
    "ZeroMQ ipc": (zeromq, 2),
}
"""What to use, and on how many cores: waking a core that rests can cost more than everything else."""


def measure(means: Callable[[], Ends], used: int, trips: int) -> dict[str, float] | str:
    """p50 and p99 of a round trip; or why it cannot be had."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < used:
        return f"the machine has no {used} cores"
    try:
        ends = means()
    except ModuleNotFoundError as error:
        return f"{error.name} is not installed"

    def child() -> int:
        pin([cores[used - 1]])
        ends.answer(trips)
        return 0

    pid = fork(child)
    pin(cores[:1])
    taken = ends.ask(trips)
    os.waitpid(pid, 0)
    os.sched_setaffinity(0, cores)
    return percentiles(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trips", type=int, default=20_000)
    trips = parser.parse_args().trips
    serve({name: partial(measure, *means, trips) for name, means in MEANS.items()})


if __name__ == "__main__":
    main()
