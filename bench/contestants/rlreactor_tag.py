"""Microseconds a tag, by rlreactor in one process: a timer triggers one reaction, its port another."""

from __future__ import annotations

import argparse
import time
from functools import partial

from bench.contestants.slices import serve
from rlreactor import TICK, Input, Output, Reactor, Timer, reaction, run, shutdown, startup, state


class Source(Reactor):
    tick = Timer(0, TICK)
    number = Output(int)
    count: int = state(0)

    @reaction(tick, effects=[number])
    def send(self) -> None:
        self.count += 1
        self.number.set(self.count)


class Sink(Reactor):
    number = Input(int)
    total: int = state(0)
    begun_ns: int = state(0)
    seconds: float = state(0.0)

    @reaction(startup)
    def begin(self) -> None:
        self.begun_ns = time.perf_counter_ns()

    @reaction(number)
    def add(self) -> None:
        self.total += self.number.value

    @reaction(shutdown)
    def end(self) -> None:
        self.seconds = (time.perf_counter_ns() - self.begun_ns) * 1e-9


class Tags(Reactor):
    def compose(self) -> None:
        self.source = Source()
        self.sink = Sink()
        self.connect(self.source.number, self.sink.number)


def microseconds(tags: int, *, fingerprint: bool) -> float:
    """Per tag, of `tags` of them in one run."""
    result = run(Tags(), workers=1, timeout=(tags - 1) * TICK, fingerprint=fingerprint)
    sink = result.state("sink")
    if sink["total"] != tags * (tags + 1) // 2:
        raise SystemExit(f"{tags} tags were to add up to {tags * (tags + 1) // 2}, not {sink['total']}")
    return float(sink["seconds"] / tags * 1e6)


def figures(tags: int, *, fingerprint: bool) -> dict[str, float]:
    """What is reported."""
    return {"us": microseconds(tags, fingerprint=fingerprint)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tags", type=int, default=300_000)
    options = parser.parse_args()
    forms = {"rlreactor": True, "rlreactor, fingerprint off": False}
    serve({name: partial(figures, options.tags, fingerprint=on) for name, on in forms.items()})


if __name__ == "__main__":
    main()
