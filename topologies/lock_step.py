"""The lock-step topology: many environments, one step each, a full barrier, and again."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rlreactor import TICK, Output, Reactor
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.reactors.driver import Driver, RandomDriver
from rlreactor.reactors.environment_spec import EnvironmentDescription, EnvironmentSpec
from rlreactor.reactors.gather import Gather
from rlreactor.reactors.inference import Inference
from rlreactor.reactors.stepper import Stepper
from rlreactor.spec import Record

__all__ = ["LockStep"]

Positive = Annotated[int, Field(gt=0)]


class LockStep(Reactor):
    """Steppers in `crews` crews of `crew` each, all of `environments` environments, driven by `policy` or at random.

    Every tick is one round: each stepper steps its environments and shows what came of it; when all have, the driver
    sends the next actions, and these arrive one tick later. A crew of more than one stays on one worker and hands on
    what it shows as one message.

    With `ring=k` every stepper has k groups of so many environments, and there is a driver for each group. Groups take
    turns: group g steps at the ticks 1 + g, 1 + g + k, 1 + g + 2k, ... Half of the k ticks in between is the delay of
    what it shows, the other half that of the actions, so up to k rounds are under way: while one group waits for its
    driver or for the slowest stepper, the others step, also where a driver shares a worker with a stepper. The result
    is a function of the topology and the seed; k is a part of the topology.

    With S seconds for a step of a group, I for a driver's answer, C for the way there and back, and drivers on p
    workers of their own, a tick takes max(S, I / p, (S + I + C) / k) seconds.
    """

    environment: EnvironmentSpec
    description: EnvironmentDescription
    crews: Positive = 16
    crew: Positive = 1
    environments: Positive = 1
    ring: Positive = 1
    threads: Positive = 1
    policy: PolicySpec | None = None
    device: str = "cpu"

    def compose(self) -> None:
        self.actors = [self._stepper(index) for index in range(self.crews * self.crew)]
        self.drivers = [self.make_driver() for _ in range(self.ring)]
        self.gathers = [self._gather() for _ in range(self.crews * self.ring) if self.crew > 1]
        there = self.ring // 2 * TICK
        back = self.ring * TICK - there
        for group, driver in enumerate(self.drivers):
            shown = [self._shown(crew, group) for crew in range(self.crews)]
            self.connect(shown, driver.observed, after=there or None)
            self.connect(driver.actions, [actor.actions[group] for actor in self.actors], after=back)
        for index, actor in enumerate(self.actors):
            self.place(actor, threads=self.threads, with_=self._foreman(index))
        self.place(self.drivers, gpu=int(self.device.startswith("cuda")))

    def make_driver(self) -> Driver:
        """The driver of one group; a subclass may have another."""
        rows = self.crew * self.environments
        if self.policy is None:
            return RandomDriver(
                description=self.description, sources=self.crews, environments=rows, total=self.crews * rows
            )
        return Inference(
            description=self.description,
            sources=self.crews,
            environments=rows,
            total=self.crews * rows,
            policy=self.policy,
            device=self.device,
        )

    def ticks(self, rounds: int) -> int:
        """The logical time, in ns, at which every group has made so many steps: the `timeout` of a run."""
        return (rounds + 1) * self.ring * TICK

    def _stepper(self, index: int) -> Stepper:
        return Stepper(
            environment=self.environment,
            description=self.description,
            first=index * self.environments,
            total=self.crews * self.crew * self.environments,
            environments=self.environments,
            ring=self.ring,
            threads=self.threads,
        )

    def _gather(self) -> Gather:
        return Gather(
            description=self.description,
            steppers=self.crew,
            environments=self.environments,
            gathered=self.crew * self.environments,
        )

    def _shown(self, crew: int, group: int) -> Output[Record]:
        """Where the driver of a group hears from a crew: of its gather, or of the only stepper."""
        members = range(crew * self.crew, (crew + 1) * self.crew)
        if self.crew == 1:
            return self.actors[members[0]].observed[group]
        gather = self.gathers[crew * self.ring + group]
        self.connect([self.actors[member].observed[group] for member in members], gather.observed)
        self.place(gather, with_=f"actors[{members[0]}]")
        return gather.together

    def _foreman(self, index: int) -> str | None:
        """With whom a stepper shares a worker: the first of its crew."""
        first = index - index % self.crew
        return None if first == index else f"actors[{first}]"
