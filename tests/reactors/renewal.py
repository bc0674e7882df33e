"""Reactors that go through a snapshot in the middle of a run: what they have made is thrown away and made anew.

As in a resumed run: the reaction of time 0 runs again, then come the state fields and the random numbers, and then
`from_snapshot`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rlreactor import Reactor
from rlreactor.algos.sharing import Share
from rlreactor.codec import pack, unpack
from rlreactor.reactors.algorithm import load_algorithm
from rlreactor.reactors.driver import RandomDriver
from rlreactor.reactors.environments import make_environments
from rlreactor.reactors.inference import Inference
from rlreactor.reactors.learner import Learner
from rlreactor.reactors.rollout import Rollout
from rlreactor.reactors.shared_learner import SharedLearner
from rlreactor.reactors.stepper import Stepper

_BLANK = "_blank"


def begin(reactor: Reactor) -> None:
    """Before the reaction of time 0: remember what there is then."""
    reactor._execution.keeps_snapshots = True
    vars(reactor)[_BLANK] = {*vars(reactor), _BLANK}


def renew(reactor: Reactor, again: Callable[[], None]) -> None:
    """Save, forget, do `again` what is done at time 0, restore."""
    fields = type(reactor)._declaration.states
    values = {name: getattr(reactor, name) for name in fields}
    values, generator, saved = unpack(pack([values, reactor.rng.bit_generator.state, dict(reactor.to_snapshot())]))
    for name in vars(reactor).keys() - vars(reactor)[_BLANK]:
        delattr(reactor, name)
    for name, field in fields.items():
        setattr(reactor, name, field.initial())
    reactor._generator = None
    again()
    for name, value in values.items():
        _restore(reactor, name, value)
    reactor.rng.bit_generator.state = generator
    reactor.from_snapshot(saved)


def _restore(reactor: Reactor, name: str, value: Any) -> None:
    now = getattr(reactor, name)
    if isinstance(now, np.ndarray) and (now.dtype, now.shape) == (value.dtype, value.shape):
        now[...] = value
    else:
        setattr(reactor, name, value)


class RenewedRollout(Rollout):
    def begin(self) -> None:
        begin(self)
        super().begin()

    def collect(self) -> None:
        if self.steps:
            renew(self, super().begin)
        super().collect()


class RenewedLearner(Learner):
    def begin(self) -> None:
        begin(self)
        super().begin()

    def learn(self) -> None:
        if self.update:
            renew(self, super().begin)
        super().learn()


class RenewedSharedLearner(SharedLearner):
    """The bank stays: a resumed run makes it anew for all learners at once."""

    def bring(self) -> None:
        if self.update:
            saved = unpack(pack(dict(self.to_snapshot())))
            self.algorithm = load_algorithm(
                self.config, self.policy, updates_total=self.updates, seed=99, device=self.device,
                share=Share(self.index, self.learners),
            )  # fmt: skip
            self.from_snapshot(saved)
        super().bring()


class RenewedStepper(Stepper):
    def make(self) -> None:
        begin(self)
        super().make()

    def step(self) -> None:
        renew(self, self._make_again)
        super().step()

    def _make_again(self) -> None:
        """As in `make`; what that schedules is thrown away in a resumed run."""
        self.rows = slice(self.first, self.first + self.environments)
        self.groups = [
            make_environments(self.environment, self.environments, self.threads, kept=True) for _ in range(self.ring)
        ]


class RenewedRandomDriver(RandomDriver):
    def act(self) -> None:
        if self.rounds:
            renew(self, lambda: None)
        else:
            begin(self)
        super().act()


class RenewedInference(Inference):
    def make(self) -> None:
        begin(self)
        super().make()

    def act(self) -> None:
        if self.rounds:
            renew(self, super().make)
        super().act()
