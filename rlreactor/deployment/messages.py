"""What slots and their caller say to each other. Every message is read into its declared type; what is not declared is
refused, naming who said it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from rlreactor.deployment.job import Job
from rlreactor.errors import LinkError
from rlreactor.planner.model import Frozen

__all__ = [
    "PROTOCOL", "Cut", "Ended", "Failed", "FromSlot", "FromWorker", "Join", "Left", "Lost", "Over", "Ready", "Refused",
    "Resume", "Rows", "Start", "Stop", "Tell", "ToSlot", "Watch", "fields_of", "from_caller", "from_slot",
]  # fmt: skip

PROTOCOL = 3
"""Of these messages and of the links between workers."""


class Join(Frozen):
    """The first thing a slot says.

    Attributes:
        slot: its index.
        plan: hash of the plan that it was started for.
        protocol: the one that it speaks.
        versions: of the packages that results depend on, by name.
        machine: name of the host it really is on.
    """

    slot: int
    plan: str
    protocol: int
    versions: dict[str, str]
    machine: str


class Ready(Frozen):
    """The slot has made its graph and listens.

    Attributes:
        program: digest of the graph.
        endpoints: where it listens, by link "from-to".
        publics: public keys of its workers.
    """

    program: str
    endpoints: dict[str, str]
    publics: dict[int, bytes]


class FromWorker(Frozen):
    """A worker says something: metrics, stalled, warning, snapshot, done, failed."""

    worker: int
    what: str
    fields: dict[str, Any]


class Ended(Frozen):
    """A worker's process has ended with that status, -N after signal N."""

    worker: int
    status: int


class Rows(Frozen):
    """How far the workers of a slot are, after something has failed: their rows, and how often each has slept."""

    rows: dict[int, tuple[bytes, int]]


class Failed(Frozen):
    """The slot failed before or beside its workers."""

    failure: str
    text: str


class Left(Frozen):
    """The last thing a slot says: nothing of it is left."""


class Lost(Frozen):
    """Only within a slot: the caller cannot be reached."""

    text: str


class Tell(Frozen):
    """What every slot is to do."""

    job: Job


class Resume(Frozen):
    """Before the start: the logical time at which the run goes on, and what this slot's reactors held then, packed."""

    cut: int
    contents: bytes


class Start(Frozen):
    """Everybody is ready.

    Attributes:
        endpoints: where all of them listen, by link "from-to".
        publics: public keys of all workers.
        first_cut: logical time of the first snapshot; None: none are made.
    """

    endpoints: dict[str, str]
    publics: dict[int, bytes]
    first_cut: int | None = None


class Cut(Frozen):
    """A snapshot is to be made at this logical time."""

    at: int


class Watch(Frozen):
    """Something has failed somewhere: say again and again how far the workers are."""


class Stop(Frozen):
    """Let the workers stop at their next tag boundary."""


class Over(Frozen):
    """The run is over; whatever is left of it goes."""


class Refused(Frozen):
    """The slot may not take part."""

    text: str


FromSlot = Join | Ready | FromWorker | Ended | Rows | Failed | Left
ToSlot = Tell | Resume | Start | Cut | Watch | Stop | Over | Refused | Lost
_FROM_SLOT: dict[str, type[FromSlot]] = {
    "join": Join, "ready": Ready, "worker": FromWorker, "ended": Ended, "rows": Rows, "failed": Failed,
    "left": Left,
}  # fmt: skip
_TO_SLOT: dict[str, type[ToSlot]] = {
    "tell": Tell, "resume": Resume, "start": Start, "cut": Cut, "watch": Watch, "stop": Stop, "over": Over,
    "refused": Refused, "lost": Lost,
}  # fmt: skip
_KINDS = {model: kind for models in (_FROM_SLOT, _TO_SLOT) for kind, model in models.items()}


def fields_of(message: FromSlot | ToSlot) -> dict[str, Any]:
    """The message as plain data, its kind among it."""
    data = message.model_dump(mode="json") if isinstance(message, Tell) else dict(message)
    return {"kind": _KINDS[type(message)], **data}


def from_slot(data: Mapping[str, Any], who: str) -> FromSlot:
    """What a slot said. Raises LinkError."""
    message: FromSlot = _read(_FROM_SLOT, data, who)
    return message


def from_caller(data: Mapping[str, Any]) -> ToSlot:
    """What the caller said. Raises LinkError."""
    message: ToSlot = _read(_TO_SLOT, data, "the caller")
    return message


def _read(models: Mapping[str, type[Any]], data: Mapping[str, Any], who: str) -> Any:
    fields = dict(data)
    kind = fields.pop("kind", None)
    if kind not in models:
        raise LinkError(f"{who} sent a message of kind {kind!r}; expected one of {', '.join(models)}")
    try:
        return models[kind].model_validate(fields)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)[:5])
        raise LinkError(f"{who} sent a message of kind {kind!r} that is none: {wrong}") from None
