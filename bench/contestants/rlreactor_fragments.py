"""Fragments of CartPole with batched policy inference, by rlreactor: a rollout a core and one who hands out weights."""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from bench.contestants.slices import serve_one
from rlreactor import TICK, Inputs, Output, Reactor, reaction, run, startup, state
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.reactors.environment_spec import EnvironmentSpec, describe
from rlreactor.reactors.rollout import Rollout
from rlreactor.reactors.trajectory import TRAJECTORY, WEIGHTS


class Publisher(Reactor):
    """Takes every fragment, learns nothing from it and sends weights again."""

    policy: PolicySpec
    rollouts: int
    horizon: int
    environments: int
    begin: int
    end: int

    trajectories = Inputs(TRAJECTORY, width="rollouts")
    weights = Output(WEIGHTS)
    update: int = state(0)
    rewards: float = state(0.0)
    begun: float = state(0.0)
    seconds: float = state(0.0)

    @reaction(startup, effects=[weights])
    def first(self) -> None:
        self.flat = self.policy.initial(np.random.default_rng(0))
        self.publish()

    @reaction(trajectories, effects=[weights])
    def take(self) -> None:
        self.rewards += sum(float(port.value.rewards.sum()) for port in self.trajectories)
        self.update += 1
        if self.update == self.begin:
            self.begun = time.perf_counter()
        elif self.update == self.end:
            self.seconds = time.perf_counter() - self.begun
        self.publish()

    def publish(self) -> None:
        out = self.weights.empty()
        out.flat[:] = self.flat
        out.version[...] = self.update
        self.weights.set(out)


class Fragments(Reactor):
    """A fragment of every rollout at every tick."""

    policy: PolicySpec
    rollouts: int
    horizon: int
    environments: int
    fragments: int

    def compose(self) -> None:
        self.actors = [self.make_rollout() for _ in range(self.rollouts)]
        self.publisher = Publisher(
            policy=self.policy, rollouts=self.rollouts, horizon=self.horizon, environments=self.environments,
            begin=self.fragments // 10, end=self.fragments,
        )  # fmt: skip
        self.connect([actor.trajectory for actor in self.actors], self.publisher.trajectories)
        self.connect(self.publisher.weights, [actor.weights for actor in self.actors], after=TICK)

    def make_rollout(self) -> Rollout:
        """One of them; a subclass may have another."""
        return Rollout(
            environment=EnvironmentSpec(id="CartPole-v1"),
            policy=self.policy,
            horizon=self.horizon,
            environments=self.environments,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--environments", type=int, required=True, help="of each rollout")
    parser.add_argument("--horizon", type=int, default=128)
    parser.add_argument("--fragments", type=int, default=40)
    options = parser.parse_args()
    serve_one(lambda: report(options))


def report(options: argparse.Namespace) -> dict[str, Any]:
    """One run, and what came out."""
    policy = PolicySpec(**dict(describe(EnvironmentSpec(id="CartPole-v1"))))
    topology = Fragments(
        policy=policy, rollouts=options.workers, horizon=options.horizon, environments=options.environments,
        fragments=options.fragments,
    )  # fmt: skip
    result = run(topology, workers=options.workers, timeout=options.fragments * TICK)
    fragments = options.fragments - options.fragments // 10
    steps = fragments * options.workers * options.horizon * options.environments
    rate = steps / float(result.state("publisher")["seconds"])
    return {"steps_per_second": rate, "workers": len(result.plan.workers)}


if __name__ == "__main__":
    main()
