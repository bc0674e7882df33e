"""Microseconds a message of a stream over TCP on the loopback, from one worker to another, without and with keys.

With keys each worker is on a host of a deployment, both of them on this machine; without, they only share no memory.
"""

from __future__ import annotations

import argparse
import json

from bench.contestants.rlreactor_stream import WARM_UP, Stream
from rlreactor import TICK, check, plan, run
from rlreactor.deployment.caller import deploy
from rlreactor.deployment.job import Job, JobOptions, Slot
from rlreactor.planner.hosts import PlannedHost, plan_over
from rlreactor.runtime.result import Result

__all__ = ["OURS", "OURS_WITH_KEYS"]

OURS, OURS_WITH_KEYS = "rlreactor, tcp", "rlreactor, tcp with keys"
_MEMORY = 4 << 30


def without_keys(nbytes: int, messages: int) -> Result:
    topology = Stream(nbytes=nbytes, copied=False)
    made = plan(topology, workers=2, carrier="tcp")
    return run(topology, plan=made, timeout=(WARM_UP + messages - 1) * TICK, fingerprint=False)


def with_keys(nbytes: int, messages: int) -> Result:
    parameters = {"nbytes": nbytes, "copied": False}
    hosts = [PlannedHost(name=name, cores=1, memory=_MEMORY) for name in ("one", "other")]
    made = plan_over(check(Stream(nbytes=nbytes, copied=False)), hosts)
    slots = tuple(Slot(host=host, workers=workers, address="127.0.0.1") for host, workers in made.hosts.items())
    options = JobOptions(timeout=(WARM_UP + messages - 1) * TICK, fingerprint=False)
    reference = f"{Stream.__module__}:{Stream.__qualname__}"
    return deploy(Job(topology=reference, parameters=parameters, plan=made, slots=slots, options=options))


def microseconds(result: Result, messages: int) -> float:
    """Per message, of `messages` of them."""
    receiver = result.state("receiver")
    assert receiver["count"] == WARM_UP + messages
    return float(receiver["ended_ns"] - receiver["begun_ns"]) / messages * 1e-3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", type=int, default=1_000_000)
    parser.add_argument("--messages", type=int, default=1000)
    options = parser.parse_args()
    figures = {
        name: {"us": microseconds(stream(options.bytes, options.messages), options.messages)}
        for name, stream in ((OURS, without_keys), (OURS_WITH_KEYS, with_keys))
    }
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
