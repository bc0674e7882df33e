"""Milliseconds a round of broadcast and gather by Ray actors, in three forms; runs in bench/.venv-ray.

naive: the array is an argument of every call, so Ray stores it once per client (the form of the LF paper).
tuned: `ray.put` once and a reference for every client, as Ray's documentation advises for large arguments.
Compiled Graph: the documentation's form for repeated patterns, its time-outs raised to 60 s.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.contestants.ray_cluster import Forms, cluster, compiled
from bench.contestants.slices import serve

WARM_UP = 15  # rounds of a Compiled Graph, which goes round ten buffers, whose pages are new the first time
OF_CALLS = 3  # the same of calls, whose actors were there before


class Client:
    def __init__(self, sleep_s: float) -> None:
        self.sleep_s = sleep_s

    def copy(self, array: Any) -> Any:
        if self.sleep_s:
            time.sleep(self.sleep_s)
        return np.copy(array)


def milliseconds(one: Callable[[], Any], warm_up: int, rounds: int) -> float:
    """Of a round of broadcast, gather and a copy of result 0, the median."""
    taken: list[float] = []
    for _ in range(warm_up + rounds):
        begun = time.perf_counter_ns()
        results = one()
        assert np.copy(results[0])[-1] == 1
        taken.append((time.perf_counter_ns() - begun) * 1e-6)
        del results  # else a Compiled Graph could not write its next results
    return statistics.median(taken[warm_up:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--bytes", type=int, default=10 << 20)
    parser.add_argument("--times", type=int, default=10, help="rounds")
    parser.add_argument("--sleep", type=float, default=0.0, help="seconds that a client takes")
    options = parser.parse_args()
    with cluster(options.clients) as ray:
        serve(forms(ray, options), warm=True)


def forms(ray: Any, options: argparse.Namespace) -> Forms:
    """All three; the actors of a Compiled Graph take no other calls, so it is compiled anew for every slice."""
    clients = [ray.remote(Client).remote(options.sleep) for _ in range(options.clients)]
    array = np.ones(options.bytes // 8)

    def figures(one: Callable[[], Any], warm_up: int = OF_CALLS) -> dict[str, float]:
        return {"ms": milliseconds(one, warm_up, options.times) - options.sleep * 1e3}

    def naive() -> Any:
        return ray.get([client.copy.remote(array) for client in clients])

    def tuned() -> Any:
        reference = ray.put(array)
        return ray.get([client.copy.remote(reference) for client in clients])

    def graph() -> dict[str, float]:
        with compiled(lambda given: [client.copy.bind(given) for client in clients], options.bytes) as made:
            return figures(lambda: ray.get(made.execute(array)), WARM_UP)

    return {"Ray, naive": lambda: figures(naive), "Ray, tuned": lambda: figures(tuned), "Ray Compiled Graph": graph}


if __name__ == "__main__":
    main()
