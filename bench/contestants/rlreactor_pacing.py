"""How late reactions are by the wall clock: of a timer, and of physical actions that meet idle workers."""

from __future__ import annotations

import argparse
import json
import random
import threading
import time

from bench.contestants.times import percentiles
from rlreactor import (
    Input,
    Output,
    PhysicalAction,
    Reactor,
    Timer,
    ms,
    reaction,
    run,
    shutdown,
    startup,
    state,
)

PERIOD = ms(1)
PAUSE_S = (0.001, 0.004)  # between two events from outside: long enough for every worker to fall asleep


class Ticking(Reactor):
    """Notes how late every tag of a 1 kHz timer is."""

    tick = Timer(0, PERIOD)
    late_ns: list[int] = state(factory=list[int])

    @reaction(tick)
    def note(self) -> None:
        self.late_ns.append(self.lag)


class Sensor(Reactor):
    """A thread schedules an event now and then, with the time as its value; `own_ns` is what the reaction took to come.

    The value is handed on.
    """

    events: int
    event = PhysicalAction(int)
    sensed = Output(int)
    own_ns: list[int] = state(factory=list[int])

    @reaction(startup)
    def begin(self) -> None:
        threading.Thread(target=self._sense, daemon=True).start()

    def _sense(self) -> None:
        chance = random.Random(0)
        for _ in range(self.events):
            time.sleep(chance.uniform(*PAUSE_S))
            self.event.schedule(time.perf_counter_ns())

    @reaction(event, effects=[sensed, shutdown])
    def react(self) -> None:
        self.own_ns.append(time.perf_counter_ns() - self.event.value)
        self.sensed.set(self.event.value)
        if len(self.own_ns) == self.events:
            self.request_stop()


class Actuator(Reactor):
    """Waits for what was sensed elsewhere."""

    sensed = Input(int)
    after_ns: list[int] = state(factory=list[int])

    @reaction(sensed)
    def act(self) -> None:
        self.after_ns.append(time.perf_counter_ns() - self.sensed.value)


class Robot(Reactor):
    events: int

    def compose(self) -> None:
        self.sensor = Sensor(events=self.events)
        self.actuator = Actuator()
        self.connect(self.sensor.sensed, self.actuator.sensed)


class Metronome(Reactor):
    def compose(self) -> None:
        self.ticking = Ticking()


def timer(seconds: float) -> dict[str, float]:
    """Lateness of the timer's tags."""
    result = run(Metronome(), workers=1, fast=False, timeout=int(seconds * 1e9))
    return percentiles(result.state("ticking")["late_ns"])


def events(count: int, workers: int) -> tuple[dict[str, float], dict[str, float]]:
    """From the event to the reaction that it triggers, and to the one that hears of it through a port."""
    result = run(Robot(events=count), workers=workers, fast=False)
    return percentiles(result.state("sensor")["own_ns"]), percentiles(result.state("actuator")["after_ns"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--events", type=int, default=1000)
    options = parser.parse_args()
    alone, _ = events(options.events, 1)
    among_two, next_door = events(options.events, 2)
    figures = {
        "1 kHz timer": timer(options.seconds),
        "physical action, one worker": alone,
        "physical action, one of two workers": among_two,
        "physical action, through a port to the other worker": next_door,
    }
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
