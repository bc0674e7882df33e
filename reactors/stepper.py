"""Steppers: environments that step when actions arrive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rlreactor import TICK, Action, Inputs, Outputs, Reactor, reaction, shutdown, startup, state
from rlreactor.reactors.environment_spec import EnvironmentDescription, EnvironmentSpec
from rlreactor.reactors.environments import Environments, make_environments
from rlreactor.reactors.round import ACTIONS, OBSERVED

__all__ = ["Stepper"]


class Stepper(Reactor):
    """A ring of `ring` groups of `environments` environments each, which take turns.

    At tick 1 + g group g shows its first observations. From then on a group steps whenever its actions arrive, and
    shows what came of it at the same tag. Environments write into the memory that the driver reads.

    Groups must get their actions in the order of their turns, `ring` ticks after they were seen. That delay belongs to
    the connections, and so a stepper need not wait for the answer to one group before it steps the next.

    Args:
        first: the row of `actions` where its environments begin.
        total: rows of `actions`.
        threads: of the environments' library; the topology asks the planner for as many.
    """

    environment: EnvironmentSpec
    description: EnvironmentDescription
    first: int
    total: int
    environments: int = 1
    ring: int = 1
    threads: int = 1

    begin = Action(int, min_delay=TICK, min_spacing=TICK)  # the spacing tells the planner how often all this happens
    actions = Inputs(ACTIONS, width="ring")
    observed = Outputs(OBSERVED, width="ring")

    steps: int = state(0)
    turn: int = state(0)

    @reaction(startup, effects=[begin])
    def make(self) -> None:
        count, threads = self.environments, self.threads
        self.groups: list[Environments] = []
        for group in range(self.ring):
            self.groups.append(make_environments(self.environment, count, threads, kept=self.keeps_snapshots))
            self.begin.schedule(group, delay=group * TICK)

    @reaction(begin, effects=[observed])
    def show(self) -> None:
        group = self.begin.value
        out = self.observed[group].empty()
        self.groups[group].reset(self.rng.integers(2**31, size=self.environments).tolist(), out.observations)
        out.rewards.fill(0)
        out.ended.fill(0)
        self.observed[group].set(out)

    @reaction(actions, effects=[observed])
    def step(self) -> None:
        group = self.turn
        self.turn = (group + 1) % self.ring
        observed = self.observed.channels[group]  # a call less each: steps may be that short
        out = observed.empty()
        actions = self.actions.channels[group].value
        self.groups[group].step_rows(actions, self.first, out.observations, out.rewards, out.ended)
        self.steps += self.environments
        observed.set(out)

    @reaction(shutdown)
    def end(self) -> None:
        for environments in self.groups:
            environments.close()

    def to_snapshot(self) -> Mapping[str, Any]:
        return {"groups": [environments.to_snapshot() for environments in self.groups]}

    def from_snapshot(self, saved: Mapping[str, Any]) -> None:
        for environments, each in zip(self.groups, saved["groups"], strict=True):
            environments.from_snapshot(each)
