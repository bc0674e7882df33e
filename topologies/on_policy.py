"""The on-policy topology: rollouts and learners in step, or a fixed number of updates apart."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from rlreactor import TICK, Reactor, TopologyError, broadcast
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.reactors.algorithm import AlgorithmConfig
from rlreactor.reactors.environment_spec import EnvironmentSpec
from rlreactor.reactors.evaluator import Evaluator
from rlreactor.reactors.invitation import check_network
from rlreactor.reactors.learner import Learner, OnPolicyLearner
from rlreactor.reactors.rollout import Rollout
from rlreactor.reactors.shared_learner import SharedLearner

__all__ = ["OnPolicy"]

Positive = Annotated[int, Field(gt=0)]
NotNegative = Annotated[int, Field(ge=0)]


class OnPolicy(Reactor):
    """`rollouts` rollouts feed a learner, whose weights come back `1 + policy_lag` ticks later.

    At tick 1 + policy_lag the first rollouts act with the initial weights; from then on every tick is one batch per
    rollout and one update. With lag 0 the rollouts wait for each update; with lag k they act with weights k updates
    old, and collecting overlaps with learning. Within a rollout, `groups` groups of its environments alternate: while
    `environment_threads` threads step one, the policy acts for the next. After the last update (and every
    `evaluate_every`) a bank of evaluators shares `eval_episodes` episodes.

    Several `learners` make every update together: each learns from its share of the rollouts, counted from the first,
    and a minibatch is made of equal parts of all shares. Where they are on several hosts, `learner_network` is the
    IPv4 network in which they exchange gradients; what goes over it is neither encrypted nor authenticated.
    """

    environment: EnvironmentSpec
    policy: PolicySpec
    config: AlgorithmConfig
    rollouts: Positive
    envs_per_rollout: Positive
    updates: Positive
    policy_lag: NotNegative = 0
    learners: Positive = 1
    learner_network: str = ""
    exchange_timeout: Annotated[float, Field(gt=0)] = 60.0
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
        learner = self._one_learner() if self.learners == 1 else self._several_learners()
        share, rest = divmod(self.eval_episodes, self.evaluators)
        self.judges = [
            Evaluator(environment=self.environment, policy=self.policy, episodes=share + (i < rest), device=self.device)
            for i in range(self.evaluators)
        ]
        self.connect(learner.published, [actor.weights for actor in self.actors], after=delay)
        self.connect(broadcast(learner.to_evaluate), [judge.weights for judge in self.judges])
        self.place(self.actors, threads=self.environment_threads)

    def _one_learner(self) -> OnPolicyLearner:
        self.learner = Learner(**self._of_a_learner(self.rollouts))
        self.connect([actor.trajectory for actor in self.actors], self.learner.trajectories)
        self._place_learner(self.learner)
        return self.learner

    def _several_learners(self) -> OnPolicyLearner:
        """A bank that meets where its first learner says, and makes every update together."""
        self._check_shares()
        share = self._of_a_learner(self.rollouts // self.learners)
        self.learner_bank = [
            self.make_shared_learner(
                index=index,
                learners=self.learners,
                network=self.learner_network,
                timeout_s=self.exchange_timeout,
                **share,
            )
            for index in range(self.learners)
        ]
        ports = [port for learner in self.learner_bank for port in learner.trajectories]
        self.connect([actor.trajectory for actor in self.actors], ports)
        self.connect(broadcast(self.learner_bank[0].invitation), [learner.invited for learner in self.learner_bank])
        for learner in self.learner_bank:
            self.connect([each.arrived for each in self.learner_bank], learner.all_arrived)
            self.connect([each.over for each in self.learner_bank], learner.all_over)
            self._place_learner(learner)
        return self.learner_bank[0]

    def _check_shares(self) -> None:
        wrong: list[str] = []
        if self.rollouts % self.learners:
            wrong.append(
                f"learners: expected a number that divides the {self.rollouts} rollouts, so that each learner has "
                f"equally many, received {self.learners}"
            )
        if self.config.minibatch % self.learners:
            wrong.append(
                f"config.minibatch: expected a multiple of the {self.learners} learners that share every minibatch, "
                f"received {self.config.minibatch}"
            )
        try:
            check_network("learner_network", self.learner_network)
        except ValueError as error:
            wrong.append(str(error))
        if wrong:
            raise TopologyError(wrong)

    def _of_a_learner(self, rollouts: int) -> dict[str, Any]:
        return {
            "policy": self.policy,
            "config": self.config,
            "rollouts": rollouts,
            "horizon": self.config.horizon,
            "environments": self.envs_per_rollout,
            "updates": self.updates,
            "policy_lag": self.policy_lag,
            "evaluate_every": self.evaluate_every,
            "device": self.device,
        }

    def _place_learner(self, learner: OnPolicyLearner) -> None:
        self.place(learner, threads=self.threads, gpu=int(self.device.startswith("cuda")))

    @property
    def publisher(self) -> OnPolicyLearner:
        """The learner that publishes the weights: the only one, or the first of the bank."""
        return self.learner if self.learners == 1 else self.learner_bank[0]

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

    def make_shared_learner(self, **parameters: Any) -> SharedLearner:
        """One of several learners; a subclass may have others."""
        return SharedLearner(**parameters)
