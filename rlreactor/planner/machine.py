"""The machine that a plan is made for: this one, or one that is not there."""

from __future__ import annotations

import math

from rlreactor.links.memory import memory_room
from rlreactor.planner.cores import Core, usable_cores
from rlreactor.planner.gpus import Gpu, find_gpus
from rlreactor.planner.model import Frozen
from rlreactor.planner.quota import cpu_quota

__all__ = ["Machine", "Network", "discover"]


class Network(Frozen):
    """What joins hosts: every one sends and receives at `bandwidth` bytes/s, and a message takes `latency` seconds."""

    bandwidth: float
    latency: float


class Machine(Frozen):
    """What a run may use.

    Attributes:
        cores: logical cores of the affinity mask, neighbours side by side.
        memory: bytes that can be taken before somebody is killed for it.
        gpus: GPUs that are visible.
        quota: cores' worth of processor time that the cgroup grants, where it limits it.
        network: between the hosts of the cores, where they are not all on one.
    """

    cores: tuple[Core, ...]
    memory: int
    gpus: tuple[Gpu, ...] = ()
    quota: float | None = None
    network: Network | None = None

    @property
    def usable(self) -> int:
        """How many cores can compute at the same time, at least one."""
        quota = math.inf if self.quota is None else self.quota
        return max(1, min(len(self.cores), math.floor(quota) if quota < math.inf else 2**31))

    @property
    def quota_binds(self) -> bool:
        """Whether there is less processor time than there are cores."""
        return self.quota is not None and self.quota < len(self.cores)

    @classmethod
    def made_up(
        cls,
        cores: int,
        *,
        memory: int = 64 << 30,
        gpus: int = 0,
        cores_per_l3: int = 8,
        cores_per_node: int | None = None,
        quota: float | None = None,
        hosts: int = 1,
        network: Network | None = None,
    ) -> Machine:
        """Hosts that are not there: each with `cores` alike, without SMT, numbered through from 0."""
        per_node = cores_per_node or max(cores, 1)
        return cls(
            cores=tuple(_core(i, i // max(cores, 1), cores_per_l3, per_node) for i in range(cores * hosts)),
            memory=memory * hosts,
            gpus=tuple(Gpu(index=i, name="made up") for i in range(gpus * hosts)),
            quota=quota,
            network=network,
        )


def _core(index: int, host: int, per_l3: int, per_node: int) -> Core:
    node = index // per_node
    return Core(id=index, package=node, node=node, l2=index, l3=index - index % per_l3, physical=index, host=host)


def discover() -> Machine:
    """The machine that this process runs on, as far as it lets itself be seen."""
    return Machine(cores=usable_cores(), memory=_memory(), gpus=find_gpus(), quota=cpu_quota())


def _memory() -> int:
    try:
        return memory_room().free
    except OSError:  # no /proc: another system, or a container that hides it
        import psutil  # only here, since it costs every other start 10 ms

        return int(psutil.virtual_memory().available)
