"""Options of `rlreactor train` that every algorithm has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from rlreactor.commands.options import CommandOptions, Shown
from rlreactor.planner.links import CARRIER_HELP, LinkCarrier

__all__ = ["TrainOptions"]

Positive = Annotated[int, Field(gt=0)]
NotNegative = Annotated[int, Field(ge=0)]


class TrainOptions(CommandOptions):
    """What is trained where, for how long, and where the results go."""

    env: str = Field(
        description="Gymnasium id of the environment, such as CartPole-v1; module:Id-v0 imports it first; "
        "envpool:Pong-v5 is EnvPool's."
    )
    rollouts: Positive = Field(description="Rollout reactors that collect side by side; part of the result.")
    envs_per_rollout: Positive = Field(description="Environments of each rollout; part of the result.")
    groups: Positive = Field(
        default=1, description="Groups in which a rollout's environments alternate, so that threads step one while the "
        "policy acts for the next; part of the result."
    )  # fmt: skip
    env_threads: Positive = Field(
        default=1, description="Threads that step a rollout's environments, where their library has threads (Atari, "
        "EnvPool)."
    )  # fmt: skip
    steps: Positive = Field(description="Environment steps in all, rounded down to whole updates, at least one.")
    seed: NotNegative = Field(default=0, description="Of every random number of the run.")
    workers: Positive | None = Field(
        default=None, description="Processes; the planner's choice when none; never changes the result."
    )
    carrier: LinkCarrier = Field(default="memory", description=CARRIER_HELP)
    lag: NotNegative = Field(
        default=0, description="Updates that rollouts run ahead of the learner: 0 is strictly on-policy."
    )
    learners: Positive = Field(
        default=1, description="Learners that make every update together, each from its share of the rollouts; part of "
        "the result."
    )  # fmt: skip
    learner_network: str = Field(
        default="", description="IPv4 network, such as 10.0.0.0/24, in which learners on several hosts exchange "
        "gradients, neither encrypted nor authenticated; only within one host when empty."
    )  # fmt: skip
    exchange_timeout: Annotated[float, Field(gt=0)] = Field(
        default=60.0, description="Seconds for which learners wait for each other in an update."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where networks compute; auto: on a GPU if there is one and the policy is a CNN."
    )
    threads: Positive = Field(default=1, description="Threads that a learner computes with; part of the result.")
    eval_episodes: NotNegative = Field(default=100, description="Episodes of the evaluation after the last update.")
    run_dir: Path | None = Field(
        default=None, description="Folder for the results; runs/ENV-ALGORITHM-SEED-TIME when none."
    )
    snapshots: Annotated[bool, Shown(switch=True)] = Field(
        default=False, description="Keep snapshots in the run's folder, from which `rlreactor resume` goes on whatever "
        "ended the run. They cost at most about 2 % of the time; environments that cannot be brought back from "
        "their last reset keep all of their actions."
    )  # fmt: skip
    env_option: Annotated[tuple[str, ...], Shown(metavar="KEY=VALUE", repeated=True)] = Field(
        default=(), description="An option of the environment; the value is JSON, or else taken as text."
    )
    spec: Path | None = Field(
        default=None,
        description="File to write as a deployment's spec, instead of training; `rlreactor deploy` takes it.",
    )
    quiet: Annotated[bool, Shown(switch=True)] = Field(default=False, description="Show no progress.")
