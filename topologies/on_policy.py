"""The on-policy topology: rollouts and one learner in step, or a fixed number of updates apart."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rlreactor import TICK, Reactor, broadcast
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.reactors.algorithm import AlgorithmConfig
from rlreactor.reactors.environment_spec import EnvironmentSpec
from rlreactor.reactors.evaluator import Evaluator
from rlreactor.reactors.learner import Learner
from rlreactor.reactors.rollout import Rollout

__all__ = ["OnPolicy"]

Positive = Annotated[int, Field(gt=0)]
NotNegative = Annotated[int, Field(ge=0)]


class OnPolicy(Reactor):
    """`rollouts` rollouts feed one learner, whose weights come back `1 + policy_lag` ticks later.

    At tick 1 + policy_lag the first rollouts act with the initial weights; from then on every tick is one batch per
    rollout and one update. With lag 0 the rollouts wait for each update; with lag k they act with weights k updates
    old, and collecting overlaps with learning. Within a rollout, `groups` groups of its environments alternate: while
    `environment_threads` threads step one, the policy acts for the next. After the last update (and every
    `evaluate_every`) a bank of evaluators shares `eval_episodes` episodes.
    """

    environment: EnvironmentSpec
    policy: PolicySpec
    config: AlgorithmConfig
    rollouts: Positive
    envs_per_rollout: Positive
    updates: Positive
    policy_lag: NotNegative = 0
    evaluators: Positive = 2
    eval_episodes: NotNegative = 100
    evaluate_every: NotNegative = 0
    device: str = "cpu"
    threads: Positive = 1
    groups: Positive = 1
    environment_threads: Positive = 1

    def compose(self) -> None:
        delay = (1 + self.policy_lag) * TICK
        self.actors = [self.make_rollout(delay) for _ in range(self.rollouts)]
        self.learner = Learner(
            policy=self.policy,
            config=self.config,
            rollouts=self.rollouts,
            horizon=self.config.horizon,
            environments=self.envs_per_rollout,
            updates=self.updates,
            policy_lag=self.policy_lag,
            evaluate_every=self.evaluate_every,
            device=self.device,
        )
        share, rest = divmod(self.eval_episodes, self.evaluators)
        self.judges = [
            Evaluator(environment=self.environment, policy=self.policy, episodes=share + (i < rest), device=self.device)
            for i in range(self.evaluators)
        ]
        self.connect([actor.trajectory for actor in self.actors], self.learner.trajectories)
        self.connect(self.learner.published, [actor.weights for actor in self.actors], after=delay)
        self.connect(broadcast(self.learner.to_evaluate), [judge.weights for judge in self.judges])
        self.place(self.actors, threads=self.environment_threads)
        self.place(self.learner, threads=self.threads, gpu=int(self.device.startswith("cuda")))

    @property
    def ticks(self) -> int:
        """The logical time, in ns, at which the last update is made: the `timeout` of a run."""
        return (self.policy_lag + self.updates) * TICK

    def make_rollout(self, first: int) -> Rollout:
        """One of the rollouts, whose first tick is `first`; a subclass may have others."""
        return Rollout(
            environment=self.environment,
            policy=self.policy,
            horizon=self.config.horizon,
            environments=self.envs_per_rollout,
            first=first,
            device=self.device,
            groups=self.groups,
            threads=self.environment_threads,
        )
