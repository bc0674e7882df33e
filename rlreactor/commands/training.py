"""What is trained, whatever the algorithm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from rlreactor.reactor import Reactor

__all__ = ["Training"]


class Training(NamedTuple):
    """A topology that trains, and where in it things are.

    All of it follows from the topology, so that a run can be gone on with whose topology is known.

    Attributes:
        algorithm: its name.
        environment: id of what it is trained in.
        topology: what runs.
        ticks: logical time, in ns, of the last update.
        steps: environment steps up to then.
        learner: path of the reactor with the states "weights", "update" and "env_steps".
        evaluators: paths of the reactors with the state "returns".
        about: what a checkpoint tells beside the weights: plain data.
        packages: distributions whose versions the result depends on.
    """

    algorithm: str
    environment: str
    topology: Reactor
    ticks: int
    steps: int
    learner: str
    evaluators: tuple[str, ...]
    about: Mapping[str, Any]
    packages: Iterable[str]
