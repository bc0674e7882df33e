"""One carrier between two workers: microseconds of a 16-byte round trip, and of a message of a stream, by its size.

Messages of a stream are written in place; the fingerprint is off, because it reads every byte of them.
"""

from __future__ import annotations

import argparse
from functools import partial

from bench.contestants.rlreactor_round_trip import TagPerHop
from bench.contestants.rlreactor_stream import WARM_UP, Stream
from bench.contestants.slices import serve
from bench.contestants.times import percentiles
from rlreactor import TICK, plan, run
from rlreactor.planner.links import LinkCarrier

__all__ = ["CARRIERS", "ROUND_TRIP", "message"]

CARRIERS: tuple[LinkCarrier, ...] = ("memory", "ipc", "tcp")
ROUND_TRIP = "16 B round trip"


def message(nbytes: int) -> str:
    """What a message of that size is called."""
    return f"{nbytes:,} B message"


def round_trip(carrier: LinkCarrier, trips: int) -> dict[str, float]:
    """p50 and p99, a tag for every hop."""
    topology = TagPerHop()
    made = plan(topology, workers=2, carrier=carrier)
    result = run(topology, plan=made, timeout=(trips - 1) * 2 * TICK)
    return percentiles(result.state("asker")["taken_ns"])


def stream(carrier: LinkCarrier, nbytes: int, messages: int) -> dict[str, float]:
    """Microseconds per message, one after the other as fast as they go."""
    topology = Stream(nbytes=nbytes, copied=False)
    made = plan(topology, workers=2, carrier=carrier)
    result = run(topology, plan=made, timeout=(WARM_UP + messages - 1) * TICK, fingerprint=False)
    receiver = result.state("receiver")
    assert receiver["count"] == WARM_UP + messages
    return {"us": float(receiver["ended_ns"] - receiver["begun_ns"]) / messages * 1e-3}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--carrier", choices=CARRIERS, required=True)
    parser.add_argument("--trips", type=int, default=5000)
    parser.add_argument("--messages", type=int, default=200)
    parser.add_argument("--bytes", type=int, nargs="+", default=[1_000_000, 10_000_000])
    options = parser.parse_args()
    carrier = options.carrier
    streams = {
        f"{carrier}, {message(nbytes)}": partial(stream, carrier, nbytes, options.messages) for nbytes in options.bytes
    }
    serve({f"{carrier}, {ROUND_TRIP}": partial(round_trip, carrier, options.trips), **streams})


if __name__ == "__main__":
    main()
