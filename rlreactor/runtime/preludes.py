"""What is done before every reaction of a worker, where anything is: a switch of threads, a sleep for tests."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

from rlreactor.reactions import BoundReaction
from rlreactor.runtime.process import limit_threads
from rlreactor.scheduler.binding import Binding

__all__ = ["JITTER", "Prelude", "prelude"]

JITTER = "RLREACTOR_JITTER"
"""Environment variable for tests of placement: "SEED:MICROSECONDS" sleeps up to that long before every reaction."""

Prelude = Callable[[BoundReaction], None]


def prelude(worker: int, binding: Binding) -> Prelude | None:
    """What is to be called before every reaction. Limits threads for the first one."""
    preludes = [each for each in (_jitter(worker), _thread_switch(binding)) if each is not None]
    return (lambda reaction: _call_all(preludes, reaction)) if preludes else None


def _call_all(preludes: list[Prelude], reaction: BoundReaction) -> None:
    for each in preludes:
        each(reaction)


def _jitter(worker: int) -> Prelude | None:
    setting = os.environ.get(JITTER)
    if not setting:
        return None
    seed, _, longest = setting.partition(":")
    sleeps = random.Random(f"{seed}/{worker}")
    return lambda _: time.sleep(sleeps.random() * float(longest or 1000) * 1e-6)


def _thread_switch(binding: Binding) -> Prelude | None:
    """Where reactors of different thread counts share a worker: switch before each reaction."""
    placing = binding.graph.placing
    threads = {n.rank: placing[n.reactor].threads if n.reactor in placing else 1 for n in binding.nodes}
    current = max(threads.values(), default=1)
    limit_threads(current)
    if len(set(threads.values())) < 2:
        return None

    def switch(reaction: BoundReaction) -> None:
        nonlocal current
        if threads[reaction.rank] != current:
            current = threads[reaction.rank]
            limit_threads(current)

    return switch
