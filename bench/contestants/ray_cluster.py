"""What programs on Ray share: starting and ending it, its Compiled Graphs, and how a rate is taken."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from bench.contestants.slices import Form

__all__ = ["Forms", "cluster", "compiled", "rate"]

TIMEOUT_S = 60  # of a Compiled Graph; by default it gives up after ten

Forms = Mapping[str, Form]
"""What to measure, by name."""


@contextmanager
def cluster(actors: int) -> Generator[Any]:
    """The module ray, started with a logical core for every actor, whatever the machine has.

    It ends with the program: whoever needs it for another slice finds it there.
    """
    os.environ["RAY_CGRAPH_get_timeout"] = str(TIMEOUT_S)  # noqa: SIM112 - Ray spells it so
    ray: Any = importlib.import_module("ray")  # by name: this is checked where Ray is not installed
    if not ray.is_initialized():
        ray.init(num_cpus=actors, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield ray


@contextmanager
def compiled(bind: Callable[[Any], Sequence[Any]], nbytes: int = 0) -> Generator[Any]:
    """A Compiled Graph, torn down at the end.

    Args:
        bind: makes of its input the outputs of all actors.
        nbytes: of the largest message, where that is near a megabyte or more.
    """
    dag: Any = importlib.import_module("ray.dag")
    with dag.InputNode() as given:
        outputs = dag.MultiOutputNode(list(bind(given)))
    graph = outputs.experimental_compile(_submit_timeout=TIMEOUT_S, _buffer_size_bytes=nbytes + (1 << 20))
    try:
        yield graph
    finally:
        graph.teardown()


def rate(one: Callable[[int], object], rounds: int) -> float:
    """Rounds per second of `one(number)`, after a tenth as many to warm up."""
    warm = rounds // 10 + 1
    for number in range(warm):
        one(number)
    begun = time.perf_counter()
    for number in range(warm, warm + rounds):
        one(number)
    return rounds / (time.perf_counter() - begun)
