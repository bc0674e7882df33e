"""What each engine has to be told, besides what all of them share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from rlreactor.deployment.words import LINE, expected

__all__ = ["EngineName", "KubernetesSection", "LocalSection", "RaySection", "SlurmSection", "SshSection"]

EngineName = Literal["local", "ssh", "slurm", "ray", "kubernetes"]

Line = Annotated[str, Field(min_length=1, max_length=1024, pattern=LINE), expected("one line of text")]


class Section(BaseModel):
    """Never changes; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LocalSection(Section):
    """Slots as processes on this machine: needs nothing."""


class SshSection(Section):
    """The system's ssh, with its own configuration and keys."""

    user: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.-]{0,63}$"), expected("the name of a user")] | None = Field(
        default=None, description="Log in as."
    )
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(default=None, description="Of the ssh server.")
    python: Line = Field(default="python3", description="Python on the hosts that has rlreactor installed.")
    directory: Line = Field(default="~", description="Working directory on the hosts.")


class SlurmSection(Section):
    """One heterogeneous job, a component for every kind of host."""

    partition: Line | None = None
    account: Line | None = None
    qos: Line | None = None
    time: (
        Annotated[
            str,
            Field(pattern=r"^\d+(-\d+)?(:\d+){0,2}$"),
            expected('a time as Slurm writes it, such as "30" or "1-12:00:00"'),
        ]
        | None
    ) = Field(default=None, description="Limit as Slurm writes it: minutes, or days-hours:minutes:seconds.")
    requeue: bool = Field(default=True, description="Whether Slurm starts the job again after it lost a node.")
    directory: Line = Field(default=".", description="Working directory, which all nodes see.")
    python: Line = Field(default="python3", description="Python on the nodes that has rlreactor installed.")
    setup: tuple[Line, ...] = Field(default=(), description="Lines of shell before the run, such as `module load …`.")
    options: tuple[
        Annotated[
            str, Field(pattern=r"^--[^\x00-\x1f\x7f]+$", max_length=1024), expected("an option that begins with --")
        ],
        ...,
    ] = Field(default=(), description="More options of sbatch, for every component.")


class RaySection(Section):
    """A placement group with one bundle and one actor for every host."""

    address: Line = Field(default="auto", description="Of the cluster.")
    strategy: Literal["STRICT_SPREAD", "SPREAD", "PACK", "STRICT_PACK"] = Field(
        default="STRICT_SPREAD", description="How hosts are dealt to nodes."
    )
    start_seconds: Annotated[float, Field(gt=0)] = Field(default=300.0, description="How long to wait for the nodes.")


class KubernetesSection(Section):
    """One JobSet with a pod for every host."""

    image: Line | None = Field(default=None, description="Container image that has rlreactor installed; needed.")
    namespace: Annotated[
        str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"), expected("a namespace's name")
    ] = "default"
    queue: Line | None = Field(default=None, description="Kueue's LocalQueue, which starts all pods together.")
    max_restarts: Annotated[int, Field(ge=0)] = Field(default=3, description="How often the set starts again.")
    python: Line = Field(default="python3", description="Python in the image.")
    service_account: Line | None = None
    volume_claim: Line | None = Field(
        default=None, description="PersistentVolumeClaim where the caller writes what `run` asks for; else it is lost."
    )
    keys_secret: Line | None = Field(
        default=None, description="Secret with the files that `rlreactor keys` wrote; the set's name and -keys else."
    )
    node_selector: dict[str, str] = Field(default={}, description="Labels that nodes must have.")
