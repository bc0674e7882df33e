"""Inference: weights count from the next round on, whenever they arrive."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rlreactor import TICK, Output, Reactor, Result, reaction, run, startup
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.reactors.environment_spec import EnvironmentSpec, describe
from rlreactor.reactors.inference import Inference
from rlreactor.reactors.trajectory import WEIGHTS
from rlreactor.topologies import lock_step

from .renewal import RenewedInference

CART_POLE = EnvironmentSpec(id="CartPole-v1")
POLICY = PolicySpec(**dict(describe(CART_POLE)), hidden=(8, 8))
NEVER = 1000 * TICK


class Teacher(Reactor):
    """Sends weights, which are under way for a while."""

    policy: PolicySpec
    weights = Output(WEIGHTS)

    @reaction(startup, effects=[weights])
    def teach(self) -> None:
        out = self.weights.empty()
        out.flat[:] = np.random.default_rng(0).normal(size=self.policy.size)
        out.version[...] = 1
        self.weights.set(out)


class Taught(lock_step.LockStep):
    """A ring of two: each driver has a round every other tick. The first gets weights at the tick `arrival`."""

    arrival: int

    def compose(self) -> None:
        super().compose()
        self.teacher = Teacher(policy=POLICY)
        (driver, _) = self.drivers
        assert isinstance(driver, Inference)
        self.connect(self.teacher.weights, driver.weights, after=self.arrival)


def taught(arrival: int) -> tuple[Result, list[Any]]:
    topology = Taught(
        environment=CART_POLE, description=describe(CART_POLE), crews=1, environments=4, ring=2, policy=POLICY,
        arrival=arrival,
    )  # fmt: skip
    result = run(topology, workers=1, timeout=topology.ticks(20), seed=1, trace=True)
    return result, [event.value.tolist() for event in result.trace if event.path == "drivers[0].actions"]


@pytest.mark.parametrize("tick", [10, 11])
def test_weights_count_from_the_next_round_on(tick: int) -> None:
    before = tick // 2  # rounds with weights of its own
    (_, actions), (_, untaught) = taught(tick * TICK), taught(NEVER)
    assert actions[: before - 1] == untaught[: before - 1]
    assert actions[before:] != untaught[before:]


@pytest.mark.parametrize("tick", [10, 11])
def test_a_snapshot_has_them(tick: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, _ = taught(tick * TICK)
    monkeypatch.setattr(lock_step, "Inference", RenewedInference)
    assert taught(tick * TICK)[0].fingerprint == plain.fingerprint
