"""The deployment: one file that says what runs, where it may run, and what starts it there.

Validating it imports nothing and executes nothing: the topology stays a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from rlreactor.deployment.agreement import disagreements, machine_names, most_machines
from rlreactor.deployment.engines.sections import (
    EngineName,
    KubernetesSection,
    LocalSection,
    RaySection,
    SlurmSection,
    SshSection,
)
from rlreactor.deployment.quantities import Duration, PortRange, Size, Window
from rlreactor.deployment.words import LINE, expected
from rlreactor.tag import TICK

__all__ = [
    "DISAGREEMENT",
    "FRESH_KEYS",
    "Constraint",
    "Deployment",
    "Host",
    "LinksSpec",
    "RunSpec",
    "TopologySpec",
    "place",
]

_NAME = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"  # a DNS label: it becomes part of a pod's, and of a file's
_REFERENCE = r"^[^\s:]+:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$"
_ADDRESS = r"^[A-Za-z0-9]([A-Za-z0-9.:_-]*[A-Za-z0-9])?$"  # never begins with a dash: ssh would take it for an option

FRESH_KEYS = "fresh"
"""In the place of a directory: every run makes its own."""


DISAGREEMENT = "disagreement"
"""The type of pydantic's error where parts do not go together."""

Count = Annotated[int, Field(ge=1)]
NotNegative = Annotated[int, Field(ge=0)]
Name = Annotated[str, Field(pattern=_NAME), expected("a name of at most 63 lower-case letters, digits and dashes")]
Reference = Annotated[
    str, Field(pattern=_REFERENCE, max_length=512), expected("package.module:Class or path/to/file.py:Class")
]
Address = Annotated[str, Field(pattern=_ADDRESS, max_length=253), expected("the name or the address of a machine")]
Text = Annotated[str, Field(min_length=1, max_length=4096, pattern=LINE), expected("one line of text")]


class Part(BaseModel):
    """What every part of a deployment has in common: it never changes, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TopologySpec(Part):
    """What runs: the topology's class and its parameters, which together describe it completely."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    class_: Reference = Field(
        alias="class", description="package.module:Class, or path/to/file.py:Class; importable on every host."
    )
    parameters: dict[str, JsonValue] = Field(
        default={}, description="Parameters of the topology by name; checked by its class when it is made."
    )


class Host(Part):
    """A machine, or `count` machines that are alike, and what of it the run may use."""

    name: Name = Field(
        description="What constraints, errors and logs call it; with a count, hosts are called name-0, name-1, …"
    )
    count: Annotated[int, Field(ge=1, le=most_machines)] = Field(default=1, description="How many machines are alike.")
    cores: Count = Field(description="Cores that the run may use.")
    memory: Size | None = Field(default=None, description='Memory that it may use, such as "64 GiB"; 4 GiB a core.')
    gpus: NotNegative = Field(default=0, description="GPUs that it may use.")
    workers: Count | None = Field(default=None, description="Processes; the planner's choice when not given.")
    address: Address | None = Field(
        default=None, description="Name or address by which ssh reaches it; engines that choose the machine need none."
    )
    data_address: Address | None = Field(
        default=None,
        description="Address at which other hosts' workers reach its workers, where it is not `address`; a network "
        "interface of that address is the only one that is listened on.",
    )
    ports: PortRange = Field(default=(47600, 48623), description="TCP ports that its workers may listen on.")

    @property
    def names(self) -> tuple[str, ...]:
        """Of the machines that it stands for."""
        return machine_names(self.name, self.count)


class Constraint(Part):
    """Where reactors may be, and what they need; later constraints go before earlier ones, and before `place()`."""

    reactors: Annotated[str, Field(min_length=1, max_length=512)] = Field(
        description="Paths: * stands for anything but a dot, ** for anything; what a path contains is meant too."
    )
    host: Text | None = Field(default=None, description="A host's name; of hosts with a count, the name of all or one.")
    threads: Count | None = Field(
        default=None, description="Threads of their numeric libraries; results may depend on them."
    )
    cores: Count | None = Field(
        default=None, description="Cores that their worker gets, which results do not depend on; one a thread else."
    )
    gpu: NotNegative | None = Field(default=None, description="GPUs that each of them needs.")
    together: bool = Field(default=False, description="Whether they share one worker.")


class LinksSpec(Part):
    """The edges between hosts."""

    keys: Text = Field(
        default=FRESH_KEYS,
        description='"fresh": every run makes its own keys. Otherwise a directory that `rlreactor keys` wrote.',
    )
    window: Window = Field(
        default=128 << 10,
        description="How much may be under way and unread on the link from one worker to another: more for long and "
        "fast lines, less for many workers. Arrays of more than 4 KiB have room of their own.",
    )
    unreachable_seconds: Annotated[float, Field(gt=0, le=86400)] = Field(
        default=60.0, description="How long a host may be out of reach before the run ends with its name."
    )


class RunSpec(Part):
    """How it runs, and what is kept of it. Paths are on the machine that deploys."""

    seed: NotNegative = Field(default=0, description="Of every reactor's random numbers.")
    timeout: Duration | None = Field(
        default=None, description='Logical time after which the program stops, such as "100 ms".'
    )
    steps: Count | None = Field(
        default=None, description="Logical steps of training after which it stops, each a TICK; instead of timeout."
    )
    fast: bool = Field(default=True, description="Run logical time as fast as the machines allow, not by the clock.")
    fingerprint: bool = Field(default=True, description="Hash every value that a reaction sets.")
    stall_seconds: Annotated[float, Field(gt=0)] = Field(
        default=10.0, description="Waiting time after which a worker says for whom it waits."
    )
    metrics: Text | None = Field(default=None, description="File for every metric, one JSON object a line.")
    state: Text | None = Field(default=None, description="File for the arrays among all reactors' states at the stop.")
    recording: Text | None = Field(default=None, description="File for physical events, which a replay needs.")
    snapshots: Text | None = Field(
        default=None,
        description="Folder for snapshots, of which the newest three are kept; `rlreactor deploy SPEC --resume` goes "
        "on from the newest. Every run needs one of its own.",
    )
    snapshot_every: Duration | None = Field(
        default=None, description="Logical time between two snapshots; as often as costs little when not given."
    )

    @property
    def stop(self) -> int | None:
        """Logical time after which the program stops, in ns."""
        return self.timeout if self.steps is None else self.steps * TICK


class Deployment(Part):
    """One spec for a laptop, static hosts, a Slurm partition, a Ray cluster or Kubernetes."""

    name: Name = Field(default="rlreactor", description="Of the job, where it runs.")
    topology: TopologySpec
    hosts: tuple[Host, ...] = Field(default=(), max_length=4096, description="None: the machine that deploys.")
    constraints: tuple[Constraint, ...] = Field(default=(), max_length=4096)
    links: LinksSpec = LinksSpec()
    run: RunSpec = RunSpec()
    engine: EngineName = Field(default="local", description="What starts it where nothing else is said.")
    local: LocalSection = LocalSection()
    ssh: SshSection = SshSection()
    slurm: SlurmSection = SlurmSection()
    ray: RaySection = RaySection()
    kubernetes: KubernetesSection = KubernetesSection()

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems = disagreements(self.model_dump())
        if problems:
            text = "; ".join(f"{place(location)}: {message}" for location, message in problems)
            raise PydanticCustomError(DISAGREEMENT, "{text}", {"text": text})
        return self

    @cached_property
    def machines(self) -> tuple[Host, ...]:
        """Every host by itself, in order: `count` is taken apart."""
        return tuple(host.model_copy(update={"name": name, "count": 1}) for host in self.hosts for name in host.names)


def place(location: Sequence[int | str]) -> str:
    """`hosts[1].cores` out of ("hosts", 1, "cores")."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).lstrip(".") or "the whole file"
