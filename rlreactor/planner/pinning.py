"""Which cores a worker is pinned to."""

from __future__ import annotations

from collections.abc import Sequence

from rlreactor.planner.cores import Core
from rlreactor.planner.machine import Machine

__all__ = ["deal_cores"]

Ids = tuple[int, ...]


def deal_cores(machine: Machine, threads: Sequence[int]) -> tuple[Ids, ...]:
    """Cores for each worker, as many as it has threads; shared in turn where there are too few.

    Under a quota nobody is pinned: it grants time, not cores, and others may be pinned to the same ones.
    """
    if machine.quota_binds or not machine.cores:
        return (tuple(sorted(core.id for core in machine.cores)),) * len(threads)
    if sum(threads) > len(machine.cores):
        return _shared(machine.cores, threads)
    return _exclusive(machine.cores, threads)


def _shared(cores: Sequence[Core], threads: Sequence[int]) -> tuple[Ids, ...]:
    dealt: list[Ids] = []
    position = 0
    for count in threads:
        turn = (cores[(position + i) % len(cores)].id for i in range(count))
        dealt.append(tuple(sorted(turn)))
        position += count
    return tuple(dealt)


def _exclusive(cores: Sequence[Core], threads: Sequence[int]) -> tuple[Ids, ...]:
    """The widest worker chooses first: it gains most from cores that share a cache."""
    if max(threads, default=1) == 1:
        return tuple((core.id,) for core, _ in zip(cores, threads, strict=False))
    free = list(cores)
    dealt: dict[int, Ids] = {}
    for worker in sorted(range(len(threads)), key=lambda w: (-threads[w], w)):
        start = min(range(len(free) - threads[worker] + 1), key=lambda s: _spread(free[s:], threads[worker], s))
        taken = free[start : start + threads[worker]]
        del free[start : start + threads[worker]]
        dealt[worker] = tuple(sorted(core.id for core in taken))
    return tuple(dealt[worker] for worker in range(len(threads)))


def _spread(cores: Sequence[Core], count: int, start: int) -> tuple[int, ...]:
    """How far apart the first `count` cores are; of equals the first."""
    window = cores[:count]
    kinds = ("package", "node", "l3")
    return (*(len({getattr(core, kind) for core in window}) for kind in kinds), start)
