"""The deploying side of a run: starts the slots, follows them, and ends with the result or the first failure."""

from __future__ import annotations

from collections.abc import Callable

from rlreactor.deployment.engine import Engine
from rlreactor.deployment.job import Job
from rlreactor.runtime.metrics import Metric
from rlreactor.runtime.result import Result

__all__ = ["deploy"]


def deploy(job: Job, engine: Engine | None = None, *, observe: Callable[[Metric], None] | None = None) -> Result:
    """Run a job on the slots that an engine starts; the result is that of `rlreactor.run` on one worker.

    Args:
        job: what runs where.
        engine: starts the slots; processes on this machine by default.
        observe: called with every metric that a reactor logs, as it arrives.

    Raises: what `rlreactor.run` raises. Errors carry a note that names the host and the worker.
    """
    raise NotImplementedError
