"""Deployments in files, as commands take them in place of a topology's name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rlreactor.commands.failure import UsageError
from rlreactor.commands.reference import assignments
from rlreactor.deployment.compile import Compiled, compile_deployment
from rlreactor.deployment.read import DeploymentError, read_deployment
from rlreactor.deployment.spec import Deployment
from rlreactor.planner.profile import Profile
from rlreactor.reference import ReferenceProblem

__all__ = ["compiled", "read_spec"]


def read_spec(path: str | Path, parameters: Iterable[str] = ()) -> Deployment:
    """The deployment in a file, with parameters of its topology from the command line. Raises UsageError."""
    try:
        deployment = read_deployment(Path(path))
    except DeploymentError as error:
        raise UsageError(str(error)) from None
    given = {**deployment.topology.parameters, **assignments("--set", parameters)}
    topology = deployment.topology.model_copy(update={"parameters": given})
    return deployment.model_copy(update={"topology": topology})


def compiled(deployment: Deployment, profile: Profile | None = None) -> Compiled:
    """Its topology, checked and placed. Raises UsageError, UserCodeError, TopologyError or PlanError."""
    try:
        return compile_deployment(deployment, profile=profile)
    except ReferenceProblem as problem:
        raise UsageError(f"topology.class: {problem}") from None
