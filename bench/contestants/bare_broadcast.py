"""Milliseconds that the copies of a round of broadcast and gather take, with nothing but copying and waiting.

As many processes as rlreactor has workers, each pinned to a core, make the same copies between the same numbers of
slots of shared memory: the first writes the array once; each makes the copies of its equal share of the clients; the
first copies result 0 to its heap. Between the three they wait for each other by spinning on a word each.
"""

from __future__ import annotations

import argparse
import mmap
import os
import statistics
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from bench.contestants.rlreactor_broadcast import WARM_UP
from bench.contestants.slices import serve
from rlreactor.runtime.process import fork, pin

Slots = list[np.ndarray[Any, np.dtype[np.float64]]]
SLOTS = 2  # of every edge without delay: one that is written and one that is read


class Barrier:
    """Everybody has come as far as the caller; a word for each process, spinning."""

    def __init__(self, processes: int) -> None:
        self._words = memoryview(mmap.mmap(-1, mmap.PAGESIZE * processes)).cast("q")
        self._of = [process * (mmap.PAGESIZE // 8) for process in range(processes)]

    def wait(self, process: int) -> None:
        """Come to the next stage, and wait for the others there."""
        stage = self._words[self._of[process]] + 1
        self._words[self._of[process]] = stage
        for word in self._of:
            while self._words[word] < stage:
                pass


def shared(length: int) -> Slots:
    """The slots of one edge."""
    return [np.frombuffer(mmap.mmap(-1, length * 8), np.float64) for _ in range(SLOTS)]


def copies(process: int, barrier: Barrier, ones: Slots, results: Sequence[Slots], rounds: int) -> list[float]:
    """What one process does; the milliseconds of every round."""
    array = np.ones_like(ones[0])
    taken: list[float] = []
    share = results[process :: len(barrier._of)]
    for number in range(rounds):
        slot = number % SLOTS
        barrier.wait(process)
        begun = time.perf_counter_ns()
        if process == 0:
            np.copyto(ones[slot], array)
        barrier.wait(process)
        for result in share:
            np.copyto(result[slot], ones[slot])
        barrier.wait(process)
        if process == 0:
            assert np.copy(results[0][slot])[-1] == 1
        taken.append((time.perf_counter_ns() - begun) * 1e-6)
    return taken


def milliseconds(clients: int, length: int, rounds: int, processes: int) -> float:
    """Of a round, the median."""
    cores = sorted(os.sched_getaffinity(0))
    barrier = Barrier(processes)
    ones, results = shared(length), [shared(length) for _ in range(clients)]

    def part(process: int) -> list[float]:
        pin([cores[process]])
        return copies(process, barrier, ones, results, WARM_UP + rounds)

    def other(process: int) -> int:
        part(process)
        return 0

    others = [fork(partial(other, process)) for process in range(1, processes)]
    taken = part(0)
    for pid in others:
        os.waitpid(pid, 0)
    os.sched_setaffinity(0, cores)
    return statistics.median(taken[WARM_UP:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--bytes", type=int, default=10 << 20)
    parser.add_argument("--times", type=int, default=50, help="rounds")
    options = parser.parse_args()
    processes = min(2, len(os.sched_getaffinity(0)))

    def figures() -> dict[str, float]:
        return {"ms": milliseconds(options.clients, options.bytes // 8, options.times, processes)}

    serve({"the copies alone": figures})


if __name__ == "__main__":
    main()
