"""Microseconds a message of a stream from one reactor to another, each on a worker of its own.

The sender writes each message in place, touching its two ends as one who computes the rest there, or sets an array that
is copied. The fingerprint is off unless --fingerprint says otherwise: it reads every byte.
"""

from __future__ import annotations

import argparse
import time
from functools import partial

import numpy as np

from bench.contestants.slices import serve
from rlreactor import TICK, Array, Input, Output, Reactor, Timer, plan, reaction, run, state

WARM_UP = 8
"""Messages before the clock starts: until then every slot has been written and its pages are there."""


class Sender(Reactor):
    """Sends at every tag."""

    nbytes: int
    copied: bool
    tick = Timer(0, TICK)
    message = Output(Array(np.uint8, ("nbytes",)))
    array: np.ndarray = state(factory=lambda: np.zeros(0, np.uint8))
    count: int = state(0)

    @reaction(tick, effects=[message])
    def send(self) -> None:
        if not self.copied:
            message = self.message.empty()
            message[0] = message[-1] = self.count % 256
            self.message.set(message)
        else:
            if not len(self.array):
                self.array = np.ones(self.nbytes, np.uint8)
            self.message.set(self.array)
        self.count += 1


class Receiver(Reactor):
    """Looks at both ends of every message."""

    nbytes: int
    copied: bool
    message = Input(Array(np.uint8, ("nbytes",)))
    count: int = state(0)
    begun_ns: int = state(0)
    ended_ns: int = state(0)

    @reaction(message)
    def receive(self) -> None:
        message = self.message.value
        expected = 1 if self.copied else self.count % 256
        assert message[0] == message[-1] == expected
        self.count += 1
        self.ended_ns = time.perf_counter_ns()
        if self.count == WARM_UP:
            self.begun_ns = self.ended_ns


class Stream(Reactor):
    nbytes: int
    copied: bool

    def compose(self) -> None:
        self.sender = Sender(nbytes=self.nbytes, copied=self.copied)
        self.receiver = Receiver(nbytes=self.nbytes, copied=self.copied)
        self.connect(self.sender.message, self.receiver.message)


def slots(nbytes: int) -> int:
    """How many messages of this size the memory between the workers has room for; 0 when they travel otherwise."""
    return plan(Stream(nbytes=nbytes, copied=False), workers=2).edges[0].slots


def microseconds(nbytes: int, messages: int, *, copied: bool, fingerprint: bool) -> float:
    """Per message, of `messages` of them."""
    topology = Stream(nbytes=nbytes, copied=copied)
    timeout = (WARM_UP + messages - 1) * TICK
    result = run(topology, workers=2, timeout=timeout, fingerprint=fingerprint)
    receiver = result.state("receiver")
    assert receiver["count"] == WARM_UP + messages
    return float(receiver["ended_ns"] - receiver["begun_ns"]) / messages * 1e-3


def figures(nbytes: int, messages: int, *, copied: bool, fingerprint: bool) -> dict[str, float]:
    """What is reported."""
    return {"us": microseconds(nbytes, messages, copied=copied, fingerprint=fingerprint)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", type=int, nargs="+", required=True)
    parser.add_argument("--messages", type=int, default=2000, help="that are written in place")
    parser.add_argument("--copies", type=int, default=400, help="messages that are copied in")
    parser.add_argument("--fingerprint", action="store_true")
    options = parser.parse_args()
    forms = {"written in place": (False, options.messages), "copied in": (True, options.copies)}
    found = {
        f"{nbytes:,} B, {form}": partial(figures, nbytes, messages, copied=copied, fingerprint=options.fingerprint)
        for nbytes in options.bytes
        for form, (copied, messages) in forms.items()
    }
    serve(found)


if __name__ == "__main__":
    main()
