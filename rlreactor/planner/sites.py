"""Where workers run, as the prediction sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from rlreactor.planner.machine import Machine
from rlreactor.planner.profile import Wake

__all__ = ["Site", "sites"]


class Site(NamedTuple):
    """Where a worker runs: its cores, whom it shares the first of them with (by a number), how it waits, its host."""

    core: int
    wake: Wake
    host: int = 0


def sites(machine: Machine, cores: Sequence[Sequence[int]]) -> list[Site]:
    """The site of every worker. Workers that are not pinned take turns on the cores.

    A quota binds none of them to a core: it limits what all of them compute together, which is not seen here.
    """
    pinned = all(cores) and not machine.quota_binds
    homes = [own[0] for own in cores] if pinned else [i % max(1, len(machine.cores)) for i in range(len(cores))]
    crowd = Counter(core for own in cores for core in own) if pinned else Counter(homes)
    spins = pinned and max(crowd.values(), default=0) <= 1
    hosts = {core.id: core.host for core in machine.cores}
    return [Site(home, _wake(spins, crowd[home] > 1), hosts.get(home, 0)) for home in homes]


def _wake(spins: bool, shared: bool) -> Wake:
    return "spinning" if spins else "shared" if shared else "sleeping"
