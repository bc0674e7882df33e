"""Which GPUs a worker sees: those that the plan gives it."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

from rlreactor.planner.plan import WorkerPlan

__all__ = ["show_gpus"]

_VISIBLE = "CUDA_VISIBLE_DEVICES"


def show_gpus(worker: WorkerPlan, environment: MutableMapping[str, str] = os.environ) -> None:
    """Let CUDA, which is not in use yet, count the worker's GPUs from 0, and see no others.

    A worker that was given none sees what there is: a rollout may compute on a learner's. In a plan for hosts the
    indices are positions among what the host gives the run.
    """
    if not worker.gpus:
        return
    names = [name.strip() for name in environment.get(_VISIBLE, "").split(",") if name.strip()]
    if worker.host is not None and names:
        chosen = [names[index] for index in worker.gpus if index < len(names)]
    else:
        chosen = [str(index) for index in worker.gpus]
    environment[_VISIBLE] = ",".join(chosen)
    environment["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # in which nvidia-smi, and with it the planner, counts
