"""The engine that a deployment is run with."""

from __future__ import annotations

from rlreactor.deployment.engine import Engine
from rlreactor.deployment.engines.sections import EngineName
from rlreactor.deployment.spec import Deployment

__all__ = ["engine_for"]


def engine_for(name: EngineName, deployment: Deployment) -> Engine:
    """The engine of that name, ready to start slots. Raises RunError where it is not there."""
    if name == "ssh":
        from rlreactor.deployment.engines.ssh_slots import SshSlots

        return SshSlots(deployment)
    if name == "slurm":
        from rlreactor.deployment.engines.slurm_slots import SlurmSlots

        return SlurmSlots(deployment)
    if name == "ray":
        from rlreactor.deployment.engines.ray_slots import RaySlots

        return RaySlots(deployment)
    if name == "kubernetes":
        from rlreactor.deployment.engines.kubernetes_slots import KubernetesSlots

        return KubernetesSlots()
    from rlreactor.deployment.engines.local_slots import LocalSlots

    return LocalSlots()
