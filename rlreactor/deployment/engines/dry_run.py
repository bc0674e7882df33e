"""What an engine would be given, as text, for every engine."""

from __future__ import annotations

from rlreactor.deployment.engines import kubernetes, local, ray, slurm, ssh
from rlreactor.deployment.engines.sections import EngineName
from rlreactor.deployment.job import Job
from rlreactor.deployment.spec import Deployment

__all__ = ["dry_run"]

_ENGINES = {
    "local": local.dry_run, "ssh": ssh.dry_run, "slurm": slurm.dry_run, "ray": ray.dry_run,
    "kubernetes": kubernetes.dry_run,
}  # fmt: skip


def dry_run(engine: EngineName, deployment: Deployment, job: Job, spec: str) -> str:
    """Commands, a batch script or manifests; nothing is started.

    Args:
        engine: which one.
        deployment: the spec.
        job: what its slots would be told.
        spec: path of the spec's file.

    Raises PlanError for a deployment that lacks what the engine needs.
    """
    return _ENGINES[engine](deployment, job, spec)
