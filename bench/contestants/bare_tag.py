"""Microseconds a tag, by a bare Python loop that does what the tags of `rlreactor_tag` do, and nothing else.

A heap of tags, a timer that puts itself back, a port that is set, read and cleared, two reactions as bound methods. No
checks, no order among reactions, no stop before the time is up.
"""

from __future__ import annotations

import argparse
import heapq
import time

from bench.contestants.slices import serve


class Port:
    __slots__ = ("present", "value")

    def __init__(self) -> None:
        self.present = False
        self.value = 0


class Source:
    def __init__(self, port: Port) -> None:
        self.port = port
        self.count = 0

    def send(self) -> None:
        self.count += 1
        self.port.value = self.count
        self.port.present = True


class Sink:
    def __init__(self, port: Port) -> None:
        self.port = port
        self.total = 0

    def add(self) -> None:
        self.total += self.port.value


def microseconds(tags: int) -> float:
    """Per tag, of `tags` of them."""
    port = Port()
    source, sink = Source(port), Sink(port)
    send, add = source.send, sink.add
    queue = [(0, 0)]
    begun = time.perf_counter_ns()
    while True:
        at, microstep = heapq.heappop(queue)
        if at == tags:
            break
        heapq.heappush(queue, (at + 1, microstep))
        send()
        if port.present:
            add()
            port.present = False
    ended = time.perf_counter_ns()
    assert sink.total == tags * (tags + 1) // 2
    return (ended - begun) / tags * 1e-3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tags", type=int, default=300_000)
    tags = parser.parse_args().tags
    serve({"a bare loop": lambda: {"us": microseconds(tags)}})


if __name__ == "__main__":
    main()
