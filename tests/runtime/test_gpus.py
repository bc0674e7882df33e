"""Which GPUs a worker sees. There are none here: what is tested is what CUDA is told."""

from __future__ import annotations

import pytest

from rlreactor.planner.plan import WorkerPlan
from rlreactor.runtime.gpus import show_gpus


@pytest.mark.parametrize(
    ("gpus", "host", "visible", "expected"),
    [
        ((1,), None, None, "1"),
        ((2, 3), None, "2,3", "2,3"),
        ((1,), "a", None, "1"),
        ((1,), "a", "4, 6", "6"),
        ((0,), "a", "GPU-6f1c,GPU-77ab", "GPU-6f1c"),
    ],
)
def test_a_worker_sees_the_gpus_of_its_plan(
    gpus: tuple[int, ...], host: str | None, visible: str | None, expected: str
) -> None:
    environment = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    show_gpus(WorkerPlan(index=0, reactors=(), cores=(), gpus=gpus, host=host), environment)
    assert environment == {"CUDA_VISIBLE_DEVICES": expected, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


def test_a_worker_without_a_gpu_sees_what_there_is() -> None:
    environment = {"CUDA_VISIBLE_DEVICES": "1"}
    show_gpus(WorkerPlan(index=0, reactors=(), cores=()), environment)
    assert environment == {"CUDA_VISIBLE_DEVICES": "1"}
