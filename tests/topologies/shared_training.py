"""PPO with several learners, and learners that tell, fail, hang or vanish in the middle of an update."""

from __future__ import annotations

import functools
import hashlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rlreactor import Result, reaction, state
from rlreactor.algos.batch import Batch
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.algos.ppo_config import PPOConfig
from rlreactor.algos.sharing import Shared
from rlreactor.reactors.algorithm import Algorithm
from rlreactor.reactors.environment_spec import EnvironmentSpec, describe
from rlreactor.reactors.shared_learner import SharedLearner
from rlreactor.topologies.on_policy import OnPolicy

__all__ = ["Telling", "Training", "Troubled", "parameters", "weights"]


def parameters(learners: int, **options: Any) -> dict[str, Any]:
    """Six rollouts of two CartPoles; an update takes some hundredths of a second."""
    environment = EnvironmentSpec(id="CartPole-v1")
    config = PPOConfig(
        horizon=16, minibatch=96, epochs=2, hidden=(32, 32), normalise_observations=True, normalise_rewards=True
    )
    policy = PolicySpec(**dict(describe(environment)), network="mlp", hidden=config.hidden, normalise_observations=True)
    return {
        "environment": environment, "policy": policy, "config": config, "rollouts": 6, "envs_per_rollout": 2,
        "updates": 3, "eval_episodes": 2, "learners": learners, "exchange_timeout": 20.0, **options,
    }  # fmt: skip


def weights(result: Result, learners: int) -> set[str]:
    """SHA-256 of the weights of every learner."""
    paths = ["learner"] if learners == 1 else [f"learner_bank[{i}]" for i in range(learners)]
    return {hashlib.sha256(result.state(path)["weights"].tobytes()).hexdigest() for path in paths}


class Telling(SharedLearner):
    """Tells how it exchanges gradients."""

    told: list[Any] = state(factory=list[Any])

    @reaction(SharedLearner.all_arrived)
    def tell(self) -> None:
        distributed = sys.modules.get("torch.distributed")
        if distributed is not None and distributed.is_initialized():
            self.told = [distributed.get_backend(), distributed.get_world_size(), distributed.get_rank()]


class Training(OnPolicy):
    """Its learners tell."""

    def make_shared_learner(self, **parameters: Any) -> SharedLearner:
        return Telling(**parameters)


class Trouble:
    """An algorithm to which something happens in its second update, between two exchanges or before the first."""

    def __init__(self, inner: Algorithm, kind: str) -> None:
        self._inner = inner
        self._kind = kind
        self._updates = 0
        self.flat = inner.flat

    def update(self, batches: Sequence[Batch]) -> Mapping[str, float]:
        return self._inner.update(batches)

    def shared_update(self, batches: Sequence[Batch]) -> Shared[Mapping[str, float]]:
        self._updates += 1
        if self._kind == "fail at once":
            raise ValueError("the dog ate my gradient")
        inner = self._inner.shared_update(batches)
        every = yield next(inner)
        if self._updates == 2:
            self._happen()
        while True:
            try:
                part = inner.send(every)
            except StopIteration as end:
                metrics: Mapping[str, float] = end.value
                return metrics
            every = yield part

    def state(self) -> Mapping[str, Any]:
        return self._inner.state()

    def load_state(self, state: Mapping[str, Any]) -> None:
        self._inner.load_state(state)

    def _happen(self) -> None:
        if self._kind == "fail":
            raise ValueError("the dog ate my gradient")
        if self._kind == "vanish":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._kind == "hang":
            time.sleep(3.5)


class TroubledLearner(SharedLearner):
    """To the last of the bank, something happens."""

    kind: str

    @reaction(SharedLearner.invited)
    def prepare(self) -> None:
        if self.index == self.learners - 1:
            self.algorithm = Trouble(self.algorithm, self.kind)
            if self.kind == "late":
                self.bank.update = functools.partial(_late, self.bank.update)  # type: ignore[method-assign]


def _late(update: Callable[[], None]) -> None:
    time.sleep(1.6)
    update()


class Troubled(OnPolicy):
    """One of its learners is in trouble."""

    kind: str

    def make_shared_learner(self, **parameters: Any) -> SharedLearner:
        return TroubledLearner(kind=self.kind, **parameters)
