"""What every slot of a run is told: plain data, complete, and the same for all of them."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from typing import Any, Self

from pydantic import Field, model_validator

from rlreactor.planner.model import Frozen
from rlreactor.planner.plan import Plan

__all__ = ["Job", "JobOptions", "Slot"]


class Slot(Frozen):
    """One host's group of workers: what an engine starts with `rlreactor worker --slot i`.

    Attributes:
        host: its name in the deployment.
        workers: indices in the plan.
        address: where the slot listens for workers of other slots, a name or an IPv4 address; None: the address from
            which it reaches the caller.
        ports: first and last port that it may listen on; None: any that is free.
    """

    host: str
    workers: tuple[int, ...] = Field(min_length=1)
    address: str | None = None
    ports: tuple[int, int] | None = None


class JobOptions(Frozen):
    """How to run; see `rlreactor.run`, where each is explained.

    Attributes:
        unreachable_limit: seconds for which a slot or the caller may be out of reach before the run is given up.
    """

    seed: int = Field(default=0, ge=0)
    timeout: int | None = Field(default=None, ge=0)
    fast: bool = True
    fingerprint: bool = True
    trace: bool = False
    record: bool = False
    measure: bool = False
    stall_limit: float = Field(default=10.0, gt=0)
    unreachable_limit: float = Field(default=60.0, gt=0)


class Job(Frozen):
    """A run on several slots.

    Attributes:
        run: 16 hexadecimal digits that no other run has.
        topology: the class, `package.module:Class` or `path/to/file.py:Class`.
        parameters: of the topology, as JSON.
        threads: of numeric libraries, by reactor, where it is not the topology that says so: results depend on them.
        plan: who lives on which worker.
        slots: which workers live on which host.
        options: how to run.
    """

    run: str = Field(default_factory=lambda: secrets.token_hex(8), pattern=r"^[0-9a-f]{16}$")
    topology: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    threads: dict[str, int] = Field(default_factory=dict)
    plan: Plan
    slots: tuple[Slot, ...] = Field(min_length=1)
    options: JobOptions = JobOptions()

    @model_validator(mode="after")
    def _check_workers(self) -> Self:
        named = sorted(worker for slot in self.slots for worker in slot.workers)
        expected = list(range(len(self.plan.workers)))
        if named != expected:
            raise ValueError(f"slots: expected each of the workers {expected} once, received {named}")
        return self

    @property
    def plan_hash(self) -> str:
        """Of everything but the run's number: slots that were started for another plan are told apart by it."""
        text = json.dumps(self.model_dump(mode="json", exclude={"run"}), sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def slot_of(self, worker: int) -> int:
        """The slot of a worker."""
        return next(index for index, slot in enumerate(self.slots) if worker in slot.workers)

    def workers_elsewhere(self, slot: int) -> Sequence[int]:
        """The workers of all other slots."""
        return [worker.index for worker in self.plan.workers if worker.index not in self.slots[slot].workers]
