"""Microseconds of copying an array into shared memory by one core, going round as many slots as a link has."""

from __future__ import annotations

import argparse
import mmap
import time
from functools import partial

import numpy as np

from bench.contestants.rlreactor_stream import WARM_UP, slots
from bench.contestants.slices import serve


def microseconds(nbytes: int, copies: int) -> float:
    """Per copy, of `copies` of them."""
    source = np.ones(nbytes, np.uint8)
    targets = [np.frombuffer(mmap.mmap(-1, nbytes), np.uint8) for _ in range(slots(nbytes) or 2)]
    for number in range(WARM_UP):
        np.copyto(targets[number % len(targets)], source)
    begun = time.perf_counter_ns()
    for number in range(copies):
        np.copyto(targets[number % len(targets)], source)
    return (time.perf_counter_ns() - begun) / copies * 1e-3


def figures(nbytes: int, copies: int) -> dict[str, float]:
    """What is reported."""
    return {"us": microseconds(nbytes, copies)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", type=int, nargs="+", required=True)
    parser.add_argument("--copies", type=int, default=400)
    options = parser.parse_args()
    serve({f"{nbytes:,} B, memcpy": partial(figures, nbytes, options.copies) for nbytes in options.bytes})


if __name__ == "__main__":
    main()
