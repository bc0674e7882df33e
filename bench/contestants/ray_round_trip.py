"""Microseconds of a 16-byte round trip to a Ray actor: by a call, and by a Compiled Graph; runs in bench/.venv-ray.

Both as Ray's documentation has them ("Ray Compiled Graph", Quickstart): an actor that echoes, and its graph. The actor
of a graph takes no other calls, so that is compiled anew for every slice.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import time
from collections.abc import Callable
from typing import Any

from bench.contestants.slices import serve

PAYLOAD = bytes(16)


class Echo:
    def echo(self, message: bytes) -> bytes:
        return message


def times(trip: Callable[[], object], trips: int) -> dict[str, float]:
    """p50 and p99 in microseconds, after a tenth as many trips to warm up."""
    for _ in range(trips // 10):
        trip()
    taken: list[float] = []
    for _ in range(trips):
        begun = time.perf_counter_ns()
        trip()
        taken.append((time.perf_counter_ns() - begun) * 1e-3)
    return {"p50_us": statistics.median(taken), "p99_us": statistics.quantiles(taken, n=100)[98]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trips", type=int, default=5_000)
    trips = parser.parse_args().trips
    # By name: this is checked where Ray is not installed.
    ray: Any = importlib.import_module("ray")
    dag: Any = importlib.import_module("ray.dag")

    ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    actor = ray.remote(Echo).remote()

    def calls() -> dict[str, float]:
        return times(lambda: ray.get(actor.echo.remote(PAYLOAD)), trips)

    def compiled() -> dict[str, float]:
        with dag.InputNode() as message:
            graph = actor.echo.bind(message).experimental_compile()
        try:
            return times(lambda: ray.get(graph.execute(PAYLOAD)), trips)
        finally:
            graph.teardown()

    serve({"Ray actor call": calls, "Ray Compiled Graph": compiled}, warm=True)
    ray.shutdown()


if __name__ == "__main__":
    main()
