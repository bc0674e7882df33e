"""Milliseconds a round of broadcast and gather by Ray actors, in three forms; runs in bench/.venv-ray.

naive: the array is an argument of every call, so Ray stores it once per client (the form of the LF paper).
tuned: `ray.put` once and a reference for every client, as Ray's documentation advises for large arguments.
Compiled Graph: the documentation's form for repeated patterns, its time-outs raised to 60 s.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

WARM_UP = 15  # rounds: a Compiled Graph goes round ten buffers, whose pages are new the first time
TIMEOUT_S = 60


class Client:
    def __init__(self, sleep_s: float) -> None:
        self.sleep_s = sleep_s

    def copy(self, array: Any) -> Any:
        if self.sleep_s:
            time.sleep(self.sleep_s)
        return np.copy(array)


def milliseconds(one: Callable[[], Any], rounds: int) -> float:
    """Of a round of broadcast, gather and a copy of result 0, the median."""
    taken: list[float] = []
    for _ in range(WARM_UP + rounds):
        begun = time.perf_counter_ns()
        results = one()
        assert np.copy(results[0])[-1] == 1
        taken.append((time.perf_counter_ns() - begun) * 1e-6)
        del results  # else a Compiled Graph could not write its next results
    return statistics.median(taken[WARM_UP:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--bytes", type=int, default=10 << 20)
    parser.add_argument("--times", type=int, default=10, help="rounds")
    parser.add_argument("--sleep", type=float, default=0.0, help="seconds that a client takes")
    options = parser.parse_args()
    os.environ["RAY_CGRAPH_get_timeout"] = str(TIMEOUT_S)  # noqa: SIM112 - Ray spells it so
    # By name: this is checked where Ray is not installed.
    ray: Any = importlib.import_module("ray")
    dag: Any = importlib.import_module("ray.dag")

    ray.init(num_cpus=options.clients, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    clients = [ray.remote(Client).remote(options.sleep) for _ in range(options.clients)]
    array = np.ones(options.bytes // 8)

    def naive() -> Any:
        return ray.get([client.copy.remote(array) for client in clients])

    def tuned() -> Any:
        reference = ray.put(array)
        return ray.get([client.copy.remote(reference) for client in clients])

    figures = {"Ray, naive": naive, "Ray, tuned": tuned}
    report = {name: {"ms": milliseconds(one, options.times)} for name, one in figures.items()}
    with dag.InputNode() as message:
        output = dag.MultiOutputNode([client.copy.bind(message) for client in clients])
    graph = output.experimental_compile(_submit_timeout=TIMEOUT_S, _buffer_size_bytes=options.bytes + (1 << 20))
    report["Ray Compiled Graph"] = {"ms": milliseconds(lambda: ray.get(graph.execute(array)), options.times)}
    graph.teardown()
    ray.shutdown()
    for figures_of in report.values():
        figures_of["ms"] -= options.sleep * 1e3
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
