"""Learners that share every update: each learns from its own rollouts, and all of them have the same weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rlreactor import Action, Input, Inputs, Output, RunError, reaction, shutdown, startup
from rlreactor.algos.sharing import Share
from rlreactor.reactors.algorithm import load_algorithm
from rlreactor.reactors.bank import Bank
from rlreactor.reactors.invitation import Door, Invitation, interface_in, this_host
from rlreactor.reactors.learner import Episodes, OnPolicyLearner, ended_in, fill
from rlreactor.reactors.process_group import Bounds, BrokenOff
from rlreactor.reactors.trajectory import batch_of

__all__ = ["SharedLearner"]


class SharedLearner(OnPolicyLearner):
    """One of a bank of `learners`; the first one, of `index` 0, is the one whose weights are published.

    `rollouts` is the number of those that feed this learner. An update begins when the batches of all learners have
    arrived, whichever workers they are on: from then on the learners wait for nobody but each other, at most
    `timeout_s` seconds for every exchange. `network` is the IPv4 network that they exchange gradients over when they
    are on several hosts; "" keeps them to the loopback.
    """

    index: int
    learners: int
    network: str = ""
    timeout_s: float = 60.0

    invitation = Output(Invitation, recorded=False)
    invited = Input(Invitation)
    arrived = Output(Episodes)
    all_arrived = Inputs(Episodes, width="learners")
    over = Output(bool)
    all_over = Inputs(bool, width="learners")
    broken_off = Action(str)

    @reaction(startup, effects=[invitation])
    def invite(self) -> None:
        self.door: Door | None = None
        if self.index == 0:
            self.door = Door(self.network)
            self.invitation.set(self.door.invitation(int(self.rng.integers(2**63))))

    @reaction(invited, effects=[OnPolicyLearner.published])
    def join(self) -> None:
        invitation = self.invited.value
        self._check_host(invitation)
        bounds = Bounds(self.network, self.device, self.timeout_s)
        self.bank = Bank.join(self.index, invitation, self.learners, self._name_of, bounds, self.door)
        self.algorithm = load_algorithm(
            self.config, self.policy, updates_total=self.updates, seed=invitation.seed, device=self.device,
            share=Share(self.index, self.learners),
        )  # fmt: skip
        self.weights = self.algorithm.flat.copy()
        if self.index == 0:
            self.published.set(fill(self.published.empty(), self.weights, self.update))

    @reaction(OnPolicyLearner.trajectories, effects=[arrived])
    def bring(self) -> None:
        trajectories = self.take()
        self.bank.bring(self.index, self.algorithm.shared_update([batch_of(each) for each in trajectories]))
        self.arrived.set(ended_in(trajectories))

    @reaction(all_arrived, effects=[over])
    def learn(self) -> None:
        self.bank.update()
        self.over.set(True)

    @reaction(
        all_over, reads=[all_arrived], effects=[OnPolicyLearner.published, OnPolicyLearner.to_evaluate, broken_off]
    )
    def conclude(self) -> None:
        try:
            metrics = self.bank.outcome(self.index)
        except BrokenOff as reason:
            self.broken_off.schedule(str(reason))
            return
        np.copyto(self.weights, self.algorithm.flat)
        self.update += 1
        self.env_steps += self.learners * self.rollouts * self.horizon * self.environments
        for port in self.all_arrived:
            self.count_episodes(port.value)
        if self.index == 0:
            self._publish(metrics)

    def _publish(self, metrics: Mapping[str, float]) -> None:
        self.published.set(fill(self.published.empty(), self.weights, self.update))
        if self.evaluates_now():
            self.to_evaluate.set(fill(self.to_evaluate.empty(), self.weights, self.update))
        self.log(update=self.update, env_steps=self.env_steps, **metrics, **self.episode_metrics())

    @reaction(broken_off)
    def give_up(self) -> None:
        """A microstep later: the one that failed says why at the tag itself, and what comes first is reported."""
        raise RunError(f"{self.path}: update {self.update + 1} was broken off: {self.broken_off.value}")

    @reaction(shutdown)
    def end(self) -> None:
        if hasattr(self, "bank"):
            self.bank.leave(self.index)

    def to_snapshot(self) -> Mapping[str, Any]:
        return self.algorithm.state()

    def from_snapshot(self, saved: Mapping[str, Any]) -> None:
        self.algorithm.load_state(saved)

    def _name_of(self, index: int) -> str:
        return f"{self.path.rpartition('[')[0]}[{index}]"

    def _check_host(self, invitation: Invitation) -> None:
        if invitation.on_loopback and invitation.host != this_host():
            raise RunError(
                f"{self.path} and {self._name_of(0)} are on different hosts, and learners exchange gradients over the "
                "loopback alone unless learner_network says otherwise: expected the IPv4 network that both hosts are "
                "in, such as 10.0.0.0/24, received none; what goes over it (by torch.distributed) is neither encrypted "
                "nor authenticated, so let nobody else into it"
            )
        interface_in(self.network)
