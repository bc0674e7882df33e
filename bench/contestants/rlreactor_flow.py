"""A flow of messages of three kinds from one reactor to another; says on a line of its own how far it has come.

Each tag brings a number, a small array, which travels within the ring of the link, and a large one, which lies in a
slot.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

from rlreactor import TICK, Array, Input, Output, Reactor, Timer, reaction, run, state

KINDS = 3
SMALL, LARGE = Array(np.int64, (2,)), Array(np.uint8, (8192,))


class Sender(Reactor):
    tick = Timer(0, TICK)
    number = Output(int)
    small = Output(SMALL)
    large = Output(LARGE)
    count: int = state(0)

    @reaction(tick, effects=[number, small, large])
    def send(self) -> None:
        self.number.set(self.count)
        small, large = self.small.empty(), self.large.empty()
        small[:] = self.count
        large[0] = self.count % 256
        self.small.set(small)
        self.large.set(large)
        self.count += 1


class Receiver(Reactor):
    say_every: int
    number = Input(int)
    small = Input(SMALL)
    large = Input(LARGE)
    count: int = state(0)

    @reaction(number, small, large)
    def receive(self) -> None:
        assert self.number.value == self.small.value[1] == self.count
        assert self.large.value[0] == self.count % 256
        self.count += 1
        if self.count % self.say_every == 0:
            print(json.dumps({"messages": KINDS * self.count}), flush=True)


class Flow(Reactor):
    say_every: int

    def compose(self) -> None:
        self.sender = Sender()
        self.receiver = Receiver(say_every=self.say_every)
        self.connect(self.sender.number, self.receiver.number)
        self.connect(self.sender.small, self.receiver.small)
        self.connect(self.sender.large, self.receiver.large)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--words", type=int, default=100, help="how often to say how far it is")
    options = parser.parse_args()
    tags = -(-options.messages // KINDS)
    begun = time.monotonic()
    flow = Flow(say_every=max(1, tags // options.words))
    result = run(flow, workers=options.workers, timeout=(tags - 1) * TICK)
    report = {
        "messages": KINDS * result.state("receiver")["count"],
        "us": (time.monotonic() - begun) / (KINDS * tags) * 1e6,
        "workers": len(result.plan.workers),
    }
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
