"""Milliseconds a tick of a ring: a stepper whose step takes a known time, drivers that take a known time to answer."""

from __future__ import annotations

import argparse
import time

from bench.contestants.slices import serve_one
from bench.contestants.waiting import spend, spent
from rlreactor import plan, run, state
from rlreactor.reactors.driver import Driver, RandomDriver
from rlreactor.reactors.environment_spec import EnvironmentSpec, describe
from rlreactor.topologies.lock_step import LockStep

_ENVIRONMENT = "bench.contestants.waiting:Waiting-v0"


class SlowDriver(RandomDriver):
    """Takes `answer` seconds for an answer."""

    answer: float
    busy: bool
    begin: int
    end: int
    begun: float = state(0.0)
    seconds: float = state(0.0)

    def act(self) -> None:
        if self.answer:
            spend(self.answer, self.busy)
        super().act()
        if self.rounds == self.begin:
            self.begun = time.perf_counter()
        elif self.rounds == self.end:
            self.seconds = time.perf_counter() - self.begun


class Ring(LockStep):
    """One stepper, and drivers on `lanes` workers of their own."""

    answer: float
    busy: bool
    rounds: int
    lanes: int

    def make_driver(self) -> Driver:
        return SlowDriver(
            description=self.description,
            sources=1,
            environments=1,
            total=1,
            answer=self.answer,
            busy=self.busy,
            begin=self.rounds // 10,
            end=self.rounds,
        )

    def compose(self) -> None:
        super().compose()
        for group in range(self.lanes, self.ring):
            self.place(self.drivers[group], with_=f"drivers[{group % self.lanes}]")


def tick_ms(step: float, answer: float, busy: bool, ring: int, lanes: int, rounds: int) -> float:
    """Milliseconds a tick, without the first tenth of the rounds."""
    environment = EnvironmentSpec(id=_ENVIRONMENT, options={"seconds": step, "busy": busy})
    topology = Ring(
        environment=environment, description=describe(environment), crews=1, ring=ring,
        answer=answer, busy=busy, rounds=rounds, lanes=lanes,
    )  # fmt: skip
    placed = plan(topology, workers=1 + lanes)
    if placed.worker_of("actors[0]") in {placed.worker_of(f"drivers[{group}]") for group in range(ring)}:
        raise SystemExit(f"the stepper was to have a worker of its own:\n{placed}")
    result = run(topology, plan=placed, timeout=topology.ticks(rounds))
    ticks = (rounds - rounds // 10) * ring
    return float(result.state("drivers[0]")["seconds"]) / ticks * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step-ms", type=float, required=True)
    parser.add_argument("--answer-ms", type=float, required=True)
    parser.add_argument("--busy", action="store_true", help="compute instead of sleep")
    parser.add_argument("--ring", type=int, required=True)
    parser.add_argument("--lanes", type=int, default=1, help="workers that the drivers are on")
    parser.add_argument("--ticks", type=int, default=400)
    options = parser.parse_args()
    step, answer = options.step_ms * 1e-3, options.answer_ms * 1e-3
    rounds = max(20, options.ticks // options.ring)

    def report() -> dict[str, float]:
        taken = tick_ms(step, answer, options.busy, options.ring, options.lanes, rounds)
        really = {
            f"{name}_ms": spent(s, options.busy, min(options.ticks, 100)) * 1e3
            for name, s in (("step", step), ("answer", answer))
            if s
        }
        return {"tick_ms": taken, **really}

    serve_one(report)


if __name__ == "__main__":
    main()
