"""Lock-step by rlreactor: steppers, a driver that acts at random, a full barrier every step."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from bench.contestants.consecutive import Walker
from bench.contestants.slices import serve_one
from rlreactor import run, state
from rlreactor.reactors.driver import Driver, RandomDriver
from rlreactor.reactors.environment_spec import EnvironmentSpec, describe
from rlreactor.reactors.stepper import Stepper
from rlreactor.topologies.lock_step import LockStep


class TimedDriver(RandomDriver):
    """Takes the time from one round to another."""

    begin: int
    end: int
    begun: float = state(0.0)
    seconds: float = state(0.0)

    def act(self) -> None:
        super().act()
        if self.rounds == self.begin:
            self.begun = time.perf_counter()
        elif self.rounds == self.end:
            self.seconds = time.perf_counter() - self.begun


class TimedLockStep(LockStep):
    """`rounds` rounds, of which the first tenth is warm-up."""

    rounds: int

    def make_driver(self) -> Driver:
        return TimedDriver(
            description=self.description,
            sources=self.crews,
            environments=self.crew * self.environments,
            total=self.crews * self.crew * self.environments,
            begin=self.rounds // 10,
            end=self.rounds,
        )


class TimedWalks(TimedLockStep):
    """The same with `environments` steps of one environment a message, in place of so many environments."""

    def _stepper(self, index: int) -> Stepper:
        return Walker(
            environment=self.environment,
            description=self.description,
            first=index * self.environments,
            total=self.crews * self.crew * self.environments,
            environments=self.environments,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", required=True)
    parser.add_argument("--env-option", type=json.loads, default={}, help="as JSON")
    parser.add_argument("--crews", type=int, default=16)
    parser.add_argument("--crew", type=int, default=1, help="steppers of each")
    parser.add_argument("--environments", type=int, default=1)
    parser.add_argument("--ring", type=int, default=1)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--walk", action="store_true", help="one environment, whose steps follow each other")
    parser.add_argument("--no-fingerprint", action="store_true")
    options = parser.parse_args()
    serve_one(lambda: report(options))


def report(options: argparse.Namespace) -> dict[str, Any]:
    """One run, and what came out."""
    environment = EnvironmentSpec(id=options.env, options=options.env_option)
    kind = TimedWalks if options.walk else TimedLockStep
    topology = kind(
        environment=environment,
        description=describe(environment),
        crews=options.crews,
        crew=options.crew,
        environments=options.environments,
        ring=options.ring,
        rounds=options.rounds,
    )
    result = run(
        topology,
        workers=options.workers,
        timeout=topology.ticks(options.rounds),
        fingerprint=not options.no_fingerprint,
    )
    rounds = options.rounds - options.rounds // 10
    steps = rounds * options.ring * options.crews * options.crew * options.environments
    return {
        "steps_per_second": steps / float(result.state("drivers[0]")["seconds"]),
        "workers": len(result.plan.workers),
        "waited": [worker["seconds_waited"] / worker["seconds"] for worker in result.workers],
        "fingerprint": result.fingerprint,
    }


if __name__ == "__main__":
    main()
