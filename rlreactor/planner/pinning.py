"""Which cores a worker is pinned to."""

from __future__ import annotations

from collections.abc import Sequence

from rlreactor.planner.cores import Core
from rlreactor.planner.machine import Machine

__all__ = ["deal_cores"]

Ids = tuple[int, ...]


def deal_cores(machine: Machine, counts: Sequence[int]) -> tuple[Ids, ...]:
    """So many cores for each worker; shared in turn where there are too few.

    Under a quota nobody is pinned: it grants time, not cores, and others may be pinned to the same ones.
    """
    if machine.quota_binds or not machine.cores:
        return (tuple(sorted(core.id for core in machine.cores)),) * len(counts)
    if sum(counts) > len(machine.cores):
        return _shared(machine.cores, counts)
    return _exclusive(machine.cores, counts)


def _shared(cores: Sequence[Core], counts: Sequence[int]) -> tuple[Ids, ...]:
    dealt: list[Ids] = []
    position = 0
    for count in counts:
        turn = (cores[(position + i) % len(cores)].id for i in range(count))
        dealt.append(tuple(sorted(turn)))
        position += count
    return tuple(dealt)


def _exclusive(cores: Sequence[Core], counts: Sequence[int]) -> tuple[Ids, ...]:
    """The widest worker chooses first: it gains most from cores that share a cache."""
    if max(counts, default=1) == 1:
        return tuple((core.id,) for core, _ in zip(cores, counts, strict=False))
    free = list(cores)
    dealt: dict[int, Ids] = {}
    for worker in sorted(range(len(counts)), key=lambda w: (-counts[w], w)):
        start = min(range(len(free) - counts[worker] + 1), key=lambda s: _spread(free[s:], counts[worker], s))
        taken = free[start : start + counts[worker]]
        del free[start : start + counts[worker]]
        dealt[worker] = tuple(sorted(core.id for core in taken))
    return tuple(dealt[worker] for worker in range(len(counts)))


def _spread(cores: Sequence[Core], count: int, start: int) -> tuple[int, ...]:
    """How far apart the first `count` cores are; of equals the first."""
    window = cores[:count]
    kinds = ("package", "node", "l3")
    return (*(len({getattr(core, kind) for core in window}) for kind in kinds), start)
