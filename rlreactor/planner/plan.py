"""The plan of a run: who lives where, and what every edge between workers needs."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal, Self

from pydantic import ValidationError, model_validator

from rlreactor.errors import PlanError, did_you_mean
from rlreactor.planner.links import LinkPlan, check_links
from rlreactor.planner.model import Frozen
from rlreactor.planner.prediction import Prediction
from rlreactor.planner.profile import Profile
from rlreactor.planner.report import report

__all__ = ["Carrier", "EdgePlan", "Plan", "WorkerPlan"]

Carrier = Literal["inline", "slots"]


class WorkerPlan(Frozen):
    """One process.

    Attributes:
        index: its number; workers are numbered in the order of their first reactors.
        reactors: paths of what it runs, in graph order; "" is the topology itself.
        cores: ids of the cores it is pinned to.
        threads: threads that its numeric libraries may use.
        gpus: indices of the GPUs it sees.
        load: seconds of computing per tick, None unless every reactor's cost was declared or measured.
        host: name of the host it is on, where the plan is for several; its `cores` and `gpus` are then positions among
            those that the run is given there.
    """

    index: int
    reactors: tuple[str, ...]
    cores: tuple[int, ...]
    threads: int = 1
    gpus: tuple[int, ...] = ()
    load: float | None = None
    host: str | None = None


class EdgePlan(Frozen):
    """A port that reactions set on one worker and other workers read.

    Attributes:
        source: path of the port.
        worker: where it is set.
        readers: the other workers that read it, in order.
        carrier: "slots", memory that readers see in place, or "inline", within the link's ring of bytes.
        slots: how many values can be under way; 0 inline.
        slot_bytes: bytes from one slot to the next; 0 inline.
        message_bytes: size of a value; 0 where the size is not fixed.
    """

    source: str
    worker: int
    readers: tuple[int, ...]
    carrier: Carrier
    slots: int = 0
    slot_bytes: int = 0
    message_bytes: int = 0


class Plan(Frozen):
    """Everything that is decided before the run.

    Attributes:
        topology: class path of the topology.
        workers: the processes, by index.
        edges: the edges between workers, in graph order.
        links: what carries the messages between two workers, where it is not memory that they share.
        memory_bytes: shared memory that the run reserves.
        notes: what a user should know.
        prediction: what to expect of it; None without a profile.
        profile: what the prediction rests on, for the next plan.
    """

    topology: str
    workers: tuple[WorkerPlan, ...]
    edges: tuple[EdgePlan, ...] = ()
    links: tuple[LinkPlan, ...] = ()
    memory_bytes: int = 0
    notes: tuple[str, ...] = ()
    prediction: Prediction | None = None
    profile: Profile | None = None

    @model_validator(mode="after")
    def _check_numbering(self) -> Self:
        for position, worker in enumerate(self.workers):
            if worker.index != position:
                raise ValueError(f"workers[{position}].index: expected {position}, received {worker.index}")
        check_links(self.links, len(self.workers))
        return self

    @cached_property
    def _workers_by_path(self) -> dict[str, int]:
        return {path: worker.index for worker in self.workers for path in worker.reactors}

    def worker_of(self, path: str) -> int:
        """The worker that the reactor at `path` lives on. Raises PlanError for an unknown path."""
        if path not in self._workers_by_path:
            hint = did_you_mean(path, self._workers_by_path)
            raise PlanError(f"the plan of {self.topology} has no reactor {path!r}; {hint}")
        return self._workers_by_path[path]

    @property
    def hosts(self) -> dict[str, tuple[int, ...]]:
        """The workers of every host, where the plan is for several; hosts in the order of the spec."""
        found: dict[str, tuple[int, ...]] = {}
        for worker in self.workers:
            if worker.host is not None:
                found[worker.host] = (*found.get(worker.host, ()), worker.index)
        return found

    def to_yaml(self) -> str:
        """The plan as a file for people and for `from_yaml`."""
        import yaml  # only where a file is written or read: it costs every other start 10 ms

        data = self.model_dump(mode="json")
        return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)

    @classmethod
    def from_yaml(cls, text: str) -> Plan:
        """The plan that `to_yaml` wrote. Raises PlanError with every place that is wrong."""
        try:
            return cls.model_validate(_parsed(text))
        except ValidationError as error:
            wrong = [f"{_place(e['loc'])}: {e['msg']}" for e in error.errors()]
            raise PlanError(f"not a plan: {'; '.join(wrong)}") from None

    def __str__(self) -> str:
        return report(self)


def _parsed(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PlanError(f"not a plan, because not YAML: {error}") from None


def _place(location: tuple[int | str, ...]) -> str:
    """`workers[1].cores` out of ("workers", 1, "cores")."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).lstrip(".") or "the whole file"
