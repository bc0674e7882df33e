"""Topologies of different character, on which the planner is measured. Each runs on a timer with period TICK."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from rlreactor import TICK, Array, Input, Inputs, Output, Reactor, Timer, broadcast, reaction, startup, state
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.algos.ppo_defaults import ppo_defaults
from rlreactor.reactors.environment_spec import EnvironmentSpec, describe
from rlreactor.topologies.on_policy import OnPolicy

__all__ = ["LOADS", "Broadcast", "LockStep", "Pipeline", "Solvers", "Tiny", "ppo"]

FRAME = Array(np.float32, ("size",))
STATE = Array(np.float32, (4,))


class Camera(Reactor):
    """Sends a frame of noise at every tick."""

    size: int
    tick = Timer(0, TICK)
    frame = Output(FRAME)

    @reaction(tick, effects=[frame])
    def record(self) -> None:
        out = self.frame.empty()
        self.rng.random(dtype=np.float32, out=out)
        self.frame.set(out)


class Filter(Reactor):
    """Smooths a frame, `passes` times."""

    size: int
    passes: int
    raw = Input(FRAME)
    smooth = Output(FRAME)

    @reaction(raw, effects=[smooth])
    def work(self) -> None:
        out = self.smooth.empty()
        out[:] = self.raw.value
        for _ in range(self.passes):
            out[1:-1] = (out[2:] + out[:-2]) * np.float32(0.5)
        self.smooth.set(out)


class Pipeline(Reactor):
    """Stages of different weight one behind the other; 1 MiB from each to the next."""

    size: int = 1 << 18
    passes: tuple[int, ...] = (4, 1, 2, 3)

    def compose(self) -> None:
        self.camera = Camera(size=self.size)
        self.filters = [Filter(size=self.size, passes=passes) for passes in self.passes]
        outputs = [self.camera.frame, *(stage.smooth for stage in self.filters)]
        self.connect(outputs[:-1], [stage.raw for stage in self.filters])


class Environment(Reactor):
    """One environment: a step for every action."""

    id: str
    action = Input(int)
    observation = Output(STATE)

    @reaction(startup)
    def begin(self) -> None:
        self.made: gymnasium.Env[Any, int] = gymnasium.make(self.id)
        self.made.reset(seed=int(self.rng.integers(2**31)))

    @reaction(action, effects=[observation])
    def step(self) -> None:
        observation, _, terminated, truncated, _ = self.made.step(self.action.value)
        if terminated or truncated:
            observation, _ = self.made.reset()
        out = self.observation.empty()
        out[:] = observation
        self.observation.set(out)


class Driver(Reactor):
    """Draws an action for every environment, once all observations of the step before are there."""

    environments: int
    tick = Timer(0, TICK)
    observations = Inputs(STATE, width="environments", hold=True)
    action = Output(int)

    @reaction(tick, reads=[observations], effects=[action])
    def act(self) -> None:
        self.action.set(int(self.rng.integers(2)))


class LockStep(Reactor):
    """Environments that all wait for each other at every step."""

    environments: int = 16
    id: str = "CartPole-v1"

    def compose(self) -> None:
        self.driver = Driver(environments=self.environments)
        self.bank = [Environment(id=self.id) for _ in range(self.environments)]
        self.connect(broadcast(self.driver.action), [environment.action for environment in self.bank])
        observations = [environment.observation for environment in self.bank]
        self.connect(observations, self.driver.observations, after=TICK)


class Server(Reactor):
    """Sends a new array once all clients have answered the last one."""

    size: int
    clients: int
    tick = Timer(0, TICK)
    answers = Inputs(FRAME, width="clients", hold=True)
    weights = Output(FRAME)

    @reaction(tick, reads=[answers], effects=[weights])
    def serve(self) -> None:
        out = self.weights.empty()
        out.fill(1)
        self.weights.set(out)


class Client(Reactor):
    """Copies what comes and sends it back."""

    size: int
    weights = Input(FRAME)
    answer = Output(FRAME)

    @reaction(weights, effects=[answer])
    def copy(self) -> None:
        out = self.answer.empty()
        out[:] = self.weights.value
        self.answer.set(out)


class Broadcast(Reactor):
    """One array to all clients and back again, 4 MiB by default."""

    size: int = 1 << 20
    clients: int = 4

    def compose(self) -> None:
        self.server = Server(size=self.size, clients=self.clients)
        self.bank = [Client(size=self.size) for _ in range(self.clients)]
        self.connect(broadcast(self.server.weights), [client.weights for client in self.bank])
        self.connect([client.answer for client in self.bank], self.server.answers, after=TICK)


class Solver(Reactor):
    """Solves a system of equations at every tick, talking to nobody."""

    size: int
    tick = Timer(0, TICK)
    solution: NDArray[Any] = state()

    @reaction(startup)
    def begin(self) -> None:
        self.matrix = self.rng.random((self.size, self.size)) + self.size * np.eye(self.size)
        self.solution = np.ones(self.size)

    @reaction(tick)
    def solve(self) -> None:
        solution = np.linalg.solve(self.matrix, self.solution)
        self.solution = solution / np.abs(solution).max()


class Solvers(Reactor):
    """Independent work of different weight: what placement alone decides."""

    sizes: tuple[int, ...] = (300, 200, 200, 160, 160, 160, 120, 120)

    def compose(self) -> None:
        self.bank = [Solver(size=size) for size in self.sizes]


class Adder(Reactor):
    """Adds one."""

    number = Input(int)
    following = Output(int)

    @reaction(number, effects=[following])
    def add(self) -> None:
        self.following.set(self.number.value + 1)


class Beat(Reactor):
    """Begins at every tick."""

    tick = Timer(0, TICK)
    number = Output(int)

    @reaction(tick, effects=[number])
    def begin(self) -> None:
        self.number.set(0)


class Tiny(Reactor):
    """A chain of additions: nothing in it is worth a worker."""

    adders: int = 8

    def compose(self) -> None:
        self.beat = Beat()
        self.chain = [Adder() for _ in range(self.adders)]
        outputs = [self.beat.number, *(adder.following for adder in self.chain)]
        self.connect(outputs[:-1], [adder.number for adder in self.chain])


def ppo(lag: int, updates: int = 1 << 20) -> OnPolicy:
    """PPO on CartPole-v1 with the environment's own hyper-parameters, which never comes to its final evaluation."""
    defaults = ppo_defaults("CartPole-v1")
    environment, config = EnvironmentSpec(id="CartPole-v1"), defaults.config
    policy = PolicySpec(
        **dict(describe(environment)), network=defaults.network, hidden=config.hidden, activation=config.activation,
        normalise_observations=config.normalise_observations,
    )  # fmt: skip
    return OnPolicy(
        environment=environment, policy=policy, config=config, rollouts=defaults.rollouts,
        envs_per_rollout=defaults.environments_per_rollout, updates=updates, policy_lag=lag,
    )  # fmt: skip


LOADS: dict[str, Any] = {
    "ppo": lambda: ppo(0),
    "ppo, lag 1": lambda: ppo(1),
    "lock-step": LockStep,
    "pipeline": Pipeline,
    "broadcast": Broadcast,
    "solvers": Solvers,
    "tiny": Tiny,
}
"""What measures the planner, by name: functions that make a topology."""
